import type { Problem, Result } from '../../core/model/result.ts';

/** The value at a path such as `successes.latency.mean`; undefined where there is none. */
export function at(root: unknown, path: string): unknown {
  let value = root;
  for (const name of path.split('/')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return value;
}

export function numberAt(root: unknown, path: string): number | undefined {
  const value = at(root, path);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function listAt(root: unknown, path: string): readonly unknown[] {
  const value = at(root, path);
  return Array.isArray(value) ? value : [];
}

/** The first of the paths that holds no number from `least` up. */
export function notANumber(root: unknown, paths: readonly string[], least: number): Problem | undefined {
  for (const path of paths) {
    const value = numberAt(root, path);
    if (value === undefined || value < least) {
      const seen = at(root, path);
      return {
        field: path.replaceAll('/', '.'),
        seen: seen === undefined ? 'absent' : JSON.stringify(seen),
        allowed: `a number of at least ${least}`,
      };
    }
  }
  return undefined;
}

export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** Too many requests of a load failed for what the others took to be of any use. */
export function tooManyFailed(field: string, failed: number, requests: number): Problem | undefined {
  if (failed <= 0.01 * requests) return undefined;
  return { field, seen: String(failed), allowed: 'at most 1 % of the requests: a run that failed measures no engine' };
}

/** A problem of a part, named by where the part stands. */
export function within(where: string, { field, ...rest }: Problem): Extract<Result<never>, { readonly ok: false }> {
  return { ok: false, problem: { ...rest, field: `${where}${field}` } };
}
