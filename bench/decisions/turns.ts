import type { DecisionPoint } from '../../src/sim/result.ts';
import { turnsOf } from '../../src/sim/turns.ts';

/** The most changes of direction, from raising to lowering or back, inside one window of so many seconds. */
export function turnsInWindow(decisions: readonly Pick<DecisionPoint, 't' | 'from' | 'to'>[], seconds: number): number {
  const turns = turnsOf(decisions);
  return turns.reduce((most, { t }, i) => {
    const inside = turns.slice(i).filter((one) => one.t < t + seconds).length;
    return Math.max(most, inside);
  }, 0);
}
