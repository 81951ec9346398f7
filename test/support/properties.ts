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

/** The same to the byte if both were written as JSON, which takes longer: the same keys in the same order, and the same in each. */
export function isSame(a: unknown, b: unknown): boolean {
  if (!isTree(a) || !isTree(b)) return Object.is(a, b);
  const others = Object.keys(b);
  const keys = Object.keys(a);
  if (keys.length !== others.length || Array.isArray(a) !== Array.isArray(b)) return false;
  return keys.every((key, i) => key === others[i] && isSame(a[key], b[key]));
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
