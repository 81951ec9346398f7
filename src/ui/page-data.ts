/** The JSON that a report page carries: what its script plots. Columns of one policy have equal length; times are seconds since the start. */
export interface PageData {
  /** Names of the columns of `replicas`, from the bottom of the stack to its top. */
  readonly phases: readonly string[];
  /** Seconds; null where there is no objective. */
  readonly ttftObjective: number | null;
  readonly itlObjective: number | null;
  readonly policies: readonly PolicyData[];
}

export type Values = readonly (number | null)[];

export interface PolicyData {
  readonly policy: string;
  readonly durationSeconds: number;
  readonly stepSeconds: number;
  readonly t: readonly number[];
  readonly replicas: readonly (readonly number[])[];
  readonly spec: readonly number[];
  readonly queued: readonly number[];
  readonly running: readonly number[];
  readonly kvUse: Values;
  readonly arrivalRate: readonly number[];
  readonly forecastLevel: Values;
  readonly forecastUpper: Values;
  readonly ttftP95: Values;
  readonly itlP95: Values;
  readonly decisions: readonly {
    readonly t: number;
    readonly from: number;
    readonly to: number;
    readonly because: string;
  }[];
}
