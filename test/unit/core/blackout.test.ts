import { expect, test } from 'vitest';
import { defaultBehavior } from '../../../src/core/model/policy.ts';
import { settle } from '../../../src/core/settle.ts';
import { at, blindTarget, fleetMemory, recommendation, settleInput, target } from '../../support/settle-builders.ts';

/** A pool that wants six for two windows, and two from then on; a blackout begins at that moment. */
interface Outage {
  readonly window: number;
  readonly every: number;
  readonly seconds: number;
  /** Some replicas still tell: what they say may raise, and wants no less than there is. */
  readonly isPartial?: boolean;
}

/** When the pool was lowered first, in seconds after the blackout. */
function loweredAfter({ window, every, seconds, isPartial = false }: Outage): number {
  const scaleDown = { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: window };
  const evidence = { allowsDecrease: false, isAnythingKnown: true, showsIdle: false };
  const dark = isPartial ? target({ specReplicas: 6, wanted: 6, evidence }) : blindTarget({ specReplicas: 6 });
  let memory = fleetMemory();
  for (let t = -2 * window; t < seconds + 10 * window; t += every) {
    const isDark = t >= 0 && t < seconds;
    const one = isDark ? dark : target({ specReplicas: 6, wanted: t < 0 ? 6 : 2 });
    const pool = recommendation({ at: at(t), behavior: { ...defaultBehavior, scaleDown }, targets: [one] });
    const { decisions, ...settled } = settle(settleInput({ memory, now: at(t), recommendations: [pool] }));
    ({ memory } = settled);
    if (Number(decisions[0]?.replicas) < 6) return t - seconds;
  }
  return Infinity;
}

const outages: Readonly<Record<string, Outage>> = {
  'fifteen seconds at the pace of a test': { window: 5, every: 1, seconds: 15 },
  'fifteen seconds of most replicas': { window: 5, every: 1, seconds: 15, isPartial: true },
  'three looks of a short window': { window: 60, every: 15, seconds: 45 },
  'longer than a short window': { window: 60, every: 15, seconds: 600 },
  'five looks at the defaults': { window: 300, every: 15, seconds: 75 },
  'two minutes of most replicas at the defaults': { window: 300, every: 15, seconds: 120, isPartial: true },
};
for (const [name, outage] of Object.entries(outages)) {
  test(`after a blackout (${name}) nothing is lowered before one full window was seen, then at once`, () => {
    const { window, every } = outage;
    expect(loweredAfter(outage)).toBeGreaterThanOrEqual(window - (outage.isPartial === true ? every : 0));
    expect(loweredAfter(outage)).toBeLessThanOrEqual(window + every);
  });
}

const losses: Readonly<Record<string, Outage>> = {
  'two readings at the pace of a test': { window: 5, every: 1, seconds: 2 },
  'a look of a short window': { window: 60, every: 15, seconds: 15 },
  'three looks at the defaults': { window: 300, every: 15, seconds: 45 },
};
for (const [name, outage] of Object.entries(losses)) {
  test(`${name} that are lost begin nothing anew: the window that ran on decides`, () => {
    const undisturbed = loweredAfter({ ...outage, seconds: 0 });
    expect(undisturbed).toBeLessThanOrEqual(outage.window);
    expect(loweredAfter(outage) + outage.seconds).toBe(undisturbed);
  });
}
