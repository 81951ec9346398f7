import fc from 'fast-check';

/** Cheap pure calls: many of them, the same ones each time. */
export const runs = (seed: number, numRuns = 2000): { readonly seed: number; readonly numRuns: number } => ({
  seed,
  numRuns,
});

/** The report of a counterexample, if there is one. */
export function counterexample<T>(property: fc.IProperty<T>, parameters: fc.Parameters<T>): string | undefined {
  return fc.defaultReportMessage(fc.check(property, parameters));
}
