import type { Redecided, Said } from '../core/redecide.ts';

/** What another policy would have done otherwise. */
export interface RedecideSummary {
  readonly policy: string;
  readonly passes: number;
  readonly decided: number;
  readonly differences: readonly Redecided[];
}

/** More lines than anybody reads; `-o json` has them all. */
const mostShown = 50;

export function redecideText({ policy, passes, decided, differences }: RedecideSummary): string {
  if (differences.length === 0) return `${policy} decides the same in all ${passes} passes (${decided} decisions)\n`;
  const moved = differences.map(({ recorded, other }) => Number(other.replicas) - Number(recorded.replicas));
  const head =
    `${policy} decides otherwise in ${differences.length} of ${decided} decisions of ${passes} passes: ` +
    `more replicas in ${moved.filter((by) => by > 0).length}, fewer in ${moved.filter((by) => by < 0).length}\n`;
  const rest = differences.length - mostShown;
  const tail = rest > 0 ? `${rest} more; '-o json' names them all\n` : '';
  return `${head}${differences.slice(0, mostShown).map(lineOf).join('')}${tail}`;
}

function lineOf({ pass, at, pool, target, recorded, other }: Redecided): string {
  const say = ({ replicas, because }: Said): string =>
    `${replicas ?? 'nothing'}  ${because[0] === undefined ? '' : `${because[0].reason}: ${because[0].message}`}`;
  return (
    `${new Date(at).toISOString()}  pass ${pass}  ${pool} ${target}\n` +
    `  recorded  ${say(recorded)}\n  instead   ${say(other)}\n`
  );
}
