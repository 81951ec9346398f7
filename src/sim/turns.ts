import type { DecisionPoint } from './result.ts';

/** The decisions that go the other way than the one before them. */
export function turnsOf(
  decisions: readonly Pick<DecisionPoint, 't' | 'from' | 'to'>[],
): readonly { readonly t: number }[] {
  return decisions.filter(({ from, to }, i) => {
    const before = decisions[i - 1];
    return before !== undefined && Math.sign(to - from) !== Math.sign(before.to - before.from);
  });
}
