/** Labels of one series; exactly those that the catalogue declares for the metric. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Counts and measures for people and alerts. Names and labels stand in the catalogue; one that does not is a bug and throws RangeError. */
export interface Telemetry {
  /** Adds to a counter. @default by 1 */
  count(metric: string, labels?: MetricLabels, by?: number): void;
  /** Sets a gauge. */
  set(metric: string, value: number, labels?: MetricLabels): void;
  /** One observation of a histogram, in the metric's base unit. */
  observe(metric: string, value: number, labels?: MetricLabels): void;
  /** Ends every series of the metric whose labels include these: an exported series ends with its object. */
  forget(metric: string, labels: MetricLabels): void;
}
