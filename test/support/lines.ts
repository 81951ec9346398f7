import { describe, type Result } from '../../src/core/model/result.ts';

/** What a parser makes of the lines, or what it finds wrong and where. */
export function parsed<T>(
  parser: { push(line: string): Result<undefined>; finish(): Result<T> },
  lines: readonly string[],
): T | string {
  for (const [i, line] of lines.entries()) {
    const taken = parser.push(line);
    if (!taken.ok) return `line ${i + 1}: ${describe(taken.problem)}`;
  }
  const finished = parser.finish();
  return finished.ok ? finished.value : describe(finished.problem);
}

/** The same where the lines are known to be right. */
export function read<T>(
  parser: { push(line: string): Result<undefined>; finish(): Result<T> },
  lines: readonly string[],
): T {
  const value = parsed(parser, lines);
  if (typeof value === 'string') throw new TypeError(value);
  return value;
}
