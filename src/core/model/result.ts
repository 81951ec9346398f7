/** What a `parse...` function answers: bad input from outside is expected, so the caller must look. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** `field` is a path such as `spec.targets[0].maxReplicas`; `seen` what stood there; `allowed` what may stand there. */
export interface Problem {
  readonly field: string;
  readonly seen: string;
  readonly allowed: string;
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function problem(
  field: string,
  seen: unknown,
  allowed: string,
): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { field, seen: JSON.stringify(seen) ?? String(seen), allowed } };
}

/** One line for people: "`maxReplicas` must be ..., was 2". */
export function describe(problem: Problem): string {
  return `\`${problem.field}\` must be ${problem.allowed}, was ${problem.seen}`;
}
