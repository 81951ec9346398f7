export interface Outcome {
  readonly policy: string;
  readonly attainment: number;
  readonly gpuHours: number;
}

/** Whom nobody beats in both: as much attained at fewer GPU-hours, or more at as few. Cheapest first. */
export function paretoFront(outcomes: readonly Outcome[]): readonly Outcome[] {
  const dominates = (a: Outcome, b: Outcome): boolean =>
    a.attainment >= b.attainment &&
    a.gpuHours <= b.gpuHours &&
    (a.attainment > b.attainment || a.gpuHours < b.gpuHours);
  return outcomes
    .filter((one) => !outcomes.some((other) => dominates(other, one)))
    .toSorted((a, b) => a.gpuHours - b.gpuHours);
}
