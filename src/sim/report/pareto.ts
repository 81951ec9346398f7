export interface Outcome {
  readonly policy: string;
  readonly attainment: number;
  readonly gpuHours: number;
  /** false: an oracle. It is drawn, and never on the front. */
  readonly isRealisable?: boolean;
  /** The same at each factor of the k-band, in order of the factor. */
  readonly band?: readonly BandOutcome[];
}

export interface BandOutcome {
  readonly iterationFactor: number;
  readonly attainment: number;
  readonly gpuHours: number;
}

/** Whom nobody beats in both: as much attained at fewer GPU-hours, or more at as few. Cheapest first. */
export function paretoFront(outcomes: readonly Outcome[]): readonly Outcome[] {
  const real = outcomes.filter(({ isRealisable }) => isRealisable !== false);
  const dominates = (a: Outcome, b: Outcome): boolean =>
    a.attainment >= b.attainment &&
    a.gpuHours <= b.gpuHours &&
    (a.attainment > b.attainment || a.gpuHours < b.gpuHours);
  return real.filter((one) => !real.some((other) => dominates(other, one))).toSorted((a, b) => a.gpuHours - b.gpuHours);
}
