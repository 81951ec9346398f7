import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { observe, remember, since, takeOver } from '../../../../src/core/decision/safety.ts';
import type { SafetyMemory, TargetSafety } from '../../../../src/core/model/memory.ts';
import { defaultBehavior } from '../../../../src/core/model/policy.ts';
import type { SpecChange } from '../../../../src/core/model/pool.ts';
import { replicas } from '../../../../src/core/model/units.ts';
import { settle } from '../../../../src/core/settle.ts';
import { behavior as behaviors, size } from '../../../support/arbitraries.ts';
import {
  at,
  blindTarget,
  fleetMemory,
  recommendation,
  settleInput,
  target,
  type TargetGiven,
} from '../../../support/settle-builders.ts';

const change = (secondsAgo: number, from: number, to: number): SpecChange => ({
  at: at(-secondsAgo),
  from: replicas(from),
  to: replicas(to),
});

function observed(given: TargetGiven, before: Partial<TargetSafety> = {}, kept = at(-3600)): TargetSafety {
  const safety: SafetyMemory = { since: kept, targets: { chat: { raw: [], specChanges: [], ...before } } };
  return observe({ target: target(given), mode: 'Scale', behavior: defaultBehavior, safety, sharers: 1, now: at(0) });
}

describe('changes that are not ours', () => {
  const wrote = (...sizes: readonly [seconds: number, size: number][]): Partial<TargetSafety> => ({
    unseenWrites: sizes.map(([seconds, n]) => ({ at: at(-seconds), replicas: replicas(n) })),
    lastDecision: { at: at(-1), replicas: replicas(sizes.at(-1)?.[1] ?? 0) },
    specChanges: [change(100, 3, 3)],
  });
  const late = wrote([20, 5], [10, 8]);
  const seen = (specChanges: readonly SpecChange[], before: Partial<TargetSafety>): TargetSafety =>
    observed({ specReplicas: Number(specChanges.at(-1)?.to ?? 3), specChanges }, before);

  test('two of our own that show themselves late are ours', () => {
    const { foreignWrites, unseenWrites } = seen([change(9, 3, 5), change(5, 5, 8)], late);
    expect([foreignWrites, unseenWrites]).toStrictEqual([undefined, undefined]);
  });
  test('the first alone is ours, and the second still awaited', () => {
    const { foreignWrites, unseenWrites } = seen([change(9, 3, 5)], late);
    expect([foreignWrites, unseenWrites]).toStrictEqual([undefined, [{ at: at(-10), replicas: 8 }]]);
  });
  test('a size of ours that was seen is foreign when it comes again', () => {
    const { foreignWrites } = seen([change(9, 3, 5), change(5, 5, 8), change(2, 8, 5)], late);
    expect(foreignWrites).toStrictEqual([at(-2)]);
  });
  test('a size that we wrote more than a minute ago is foreign', () => {
    expect(seen([change(9, 3, 5)], wrote([60, 5], [10, 8])).foreignWrites).toStrictEqual([at(-9)]);
  });
  test('a size decided again before it was seen is one write', () => {
    const safety = remember(
      { raw: [], specChanges: [], ...wrote([20, 5]) },
      { from: replicas(3), replicas: replicas(5) },
      'Scale',
      at(0),
    );
    expect(safety.unseenWrites).toStrictEqual([{ at: at(-20), replicas: 5 }]);
  });
  test('only what is written is awaited', () => {
    const none: TargetSafety = { raw: [], specChanges: [] };
    const sizes = { from: replicas(3), replicas: replicas(5) };
    expect(remember(none, sizes, 'Recommend', at(0)).unseenWrites).toBeUndefined();
    expect(remember(none, { ...sizes, from: replicas(5) }, 'Scale', at(0)).unseenWrites).toBeUndefined();
    expect(remember(none, sizes, 'Scale', at(0)).unseenWrites).toStrictEqual([{ at: at(0), replicas: 5 }]);
  });
});

describe('changes of spec', () => {
  const decided = { lastDecision: { at: at(-15), replicas: replicas(4) } };
  test('begin with the size at first sight, a change of nothing', () => {
    expect(observed({ specReplicas: 3 }).specChanges).toStrictEqual([change(0, 3, 3)]);
  });
  test('are taken as they were observed, whoever made them', () => {
    const specChanges = [change(40, 2, 4), change(20, 4, 3)];
    expect(observed({ specReplicas: 3, specChanges }).specChanges).toStrictEqual(specChanges);
  });
  test('are not counted twice when they are reported pass after pass', () => {
    const specChanges = [change(40, 2, 4), change(20, 4, 3)];
    expect(observed({ specReplicas: 3, specChanges }, { specChanges }).specChanges).toStrictEqual(specChanges);
  });
  test('that nobody reported count as made now', () => {
    expect(observed({ specReplicas: 6 }, { specChanges: [change(40, 2, 4)] }).specChanges).toStrictEqual([
      change(40, 2, 4),
      change(0, 4, 6),
    ]);
  });
  test('that are reported late, after they were inferred, count once', () => {
    const inferred = [change(90, 2, 2), change(15, 2, 4)];
    expect(
      observed({ specReplicas: 4, specChanges: [change(20, 2, 4)] }, { specChanges: inferred }).specChanges,
    ).toStrictEqual(inferred);
  });
  test('from the future count as made now', () => {
    expect(observed({ specReplicas: 4, specChanges: [change(-3, 2, 4)] }).specChanges).toStrictEqual([change(0, 2, 4)]);
  });
  test('after a takeover: a spec that differs from the last decision changed now', () => {
    expect(observed({ specReplicas: 7 }, decided, at(0)).specChanges).toStrictEqual([change(0, 4, 7)]);
  });
  test('after a takeover: a write that the old leader made and never saw changed now', () => {
    const before = { ...decided, specChanges: [change(600, 1, 2)] };
    expect(observed({ specReplicas: 4 }, before, at(0)).specChanges.at(-1)).toStrictEqual(change(0, 2, 4));
  });
  test('older than every window are forgotten, but never the last', () => {
    const specChanges = [change(9000, 1, 2), change(8000, 2, 3)];
    expect(observed({ specReplicas: 3 }, { specChanges }).specChanges).toStrictEqual([change(8000, 2, 3)]);
  });
  test('beyond the limit become one that keeps what was added', () => {
    const specChanges = Array.from({ length: 40 }, (_, i) => change(400 - i, i, i + 1));
    const kept = observed({ specReplicas: 40 }, { specChanges }).specChanges;
    expect(kept.length).toBe(16);
    expect(kept[0]?.from).toBe(0);
    expect(kept.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(40);
  });
});

describe('raw recommendations', () => {
  const raws = (...wanted: readonly number[]): TargetSafety['raw'] =>
    wanted.map((n, i) => ({ at: at(-15 * (wanted.length - i)), replicas: replicas(n) }));
  test('of this pass are recorded as they are, before bounds and windows', () => {
    expect(observed({ wanted: 50, maxReplicas: 10 }).raw).toStrictEqual([{ at: at(0), replicas: 50 }]);
  });
  test('of a pass in which nothing could be said are not recorded', () => {
    expect(observed({ wanted: undefined }).raw).toStrictEqual([]);
    expect(observed({ wanted: Number.NaN }).raw).toStrictEqual([]);
  });
  test('that no window needs any more are dropped', () => {
    expect(observed({ wanted: 4 }, { raw: raws(4, 4, 9, 4, 4) }).raw.map((entry) => entry.replicas)).toStrictEqual([
      9, 4,
    ]);
  });
  test('of one time are recorded once', () => {
    expect(observed({ wanted: 4 }, { raw: [{ at: at(0), replicas: replicas(4) }] }).raw).toStrictEqual([
      { at: at(0), replicas: 4 },
    ]);
  });
});

describe('the time since memory is whole', () => {
  const memory = (given: Partial<TargetSafety>): SafetyMemory => ({
    since: at(-3600),
    targets: { chat: { raw: [], specChanges: [], ...given } },
  });
  const seen = (kept: Partial<TargetSafety>, one = target(), windowSeconds = 300): number => {
    const scaleDown = { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: windowSeconds };
    return since(memory(kept), { targets: [one], behavior: { ...defaultBehavior, scaleDown } }, at(0));
  };
  test('goes on while passes follow each other', () => {
    expect(seen({ lastDecision: { at: at(-15), replicas: replicas(2) } })).toBe(at(-3600));
  });
  test('begins anew after ten minutes without a pass', () => {
    expect(seen({ lastDecision: { at: at(-601), replicas: replicas(2) } })).toBe(at(0));
  });
  test('begins anew when signals come back after more than a minute', () => {
    expect(seen({ blindSince: at(-61) })).toBe(at(0));
    expect(seen({ blindSince: at(-60) })).toBe(at(-3600));
    expect(seen({ blindSince: at(-61) }, blindTarget())).toBe(at(-3600));
    expect(seen({ blindSince: at(-61) }, target(), 3600)).toBe(at(0));
  });
  test('begins anew when they come back after more than half of a short window', () => {
    expect(seen({ blindSince: at(-15) }, target(), 5)).toBe(at(0));
    expect(seen({ blindSince: at(-2) }, target(), 5)).toBe(at(-3600));
    expect(seen({ blindSince: at(-31) }, target(), 60)).toBe(at(0));
    expect(seen({ blindSince: at(-30) }, target(), 60)).toBe(at(-3600));
  });
  test('begins anew with a takeover, and nothing is lowered before one full window', () => {
    const taken = takeOver(
      fleetMemory({
        targets: {
          chat: { raw: [], specChanges: [change(900, 5, 6)], lastDecision: { at: at(-15), replicas: replicas(6) } },
        },
      }),
      at(0),
    );
    const decide = (s: number): number | undefined =>
      settle(
        settleInput({
          memory: taken,
          now: at(s),
          recommendations: [recommendation({ at: at(s), targets: [target({ specReplicas: 6, wanted: 3 })] })],
        }),
      ).decisions[0]?.replicas;
    expect([decide(0), decide(299), decide(300)]).toStrictEqual([6, 6, 3]);
  });
});

test('a decision of zero is remembered as ours only where it took replicas away', () => {
  const empty = { raw: [], specChanges: [] };
  const [none, two] = [replicas(0), replicas(2)];
  expect(remember(empty, { from: two, replicas: none }, 'Scale', at(0)).zeroedAt).toBe(at(0));
  expect(remember(empty, { from: none, replicas: none }, 'Scale', at(0)).zeroedAt).toBeUndefined();
  expect(remember(empty, { from: two, replicas: none }, 'Observe', at(0)).zeroedAt).toBeUndefined();
});

/** The HPA's own rule on the whole history, against which the pruned one is measured. */
function bruteForce(
  history: readonly { readonly seconds: number; readonly wanted: number }[],
  now: number,
  window: number,
): readonly [number, number] {
  const young = history.filter(({ seconds }) => seconds > now - window && seconds <= now).map(({ wanted }) => wanted);
  return [Math.min(...young), Math.max(...young)];
}

test('property: pruning loses nothing: lowest and highest of both windows are those of the whole history', () => {
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 60, 120, 180),
      fc.constantFrom(60, 150, 300),
      (wanted, up, down) => {
        const rules = {
          scaleUp: { ...defaultBehavior.scaleUp, stabilizationWindowSeconds: up },
          scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: down },
        };
        let kept: TargetSafety = { raw: [], specChanges: [] };
        const history: { seconds: number; wanted: number }[] = [];
        wanted.forEach((n, i) => {
          const now = 15 * i;
          history.push({ seconds: now, wanted: n });
          const safety = { since: at(-3600), targets: { chat: kept } };
          kept = observe({
            target: target({ wanted: n }),
            mode: 'Scale',
            behavior: rules,
            safety,
            sharers: 1,
            now: at(now),
          });
          for (const window of [up, down].filter((seconds) => seconds > 0)) {
            const young = kept.raw
              .filter((entry) => entry.at > at(now - window))
              .map((entry) => Number(entry.replicas));
            expect([Math.min(...young), Math.max(...young)]).toStrictEqual(bruteForce(history, now, window));
          }
        });
      },
    ),
    { numRuns: 500, seed: 6 },
  );
});

/** Highs that fall and lows that rise: the history that can least be pruned. Spec changes at every pass and nobody agrees with us. */
const worst = (i: number): { readonly wanted: number; readonly specReplicas: number } => ({
  wanted: i % 2 === 0 ? 999_999 - i : 100_000 + i,
  specReplicas: 900_000 + ((i * 7919) % 90_000),
});

test('safety memory of a pool stays under 4 kB in the worst case, at five targets too', () => {
  const hour = {
    stabilizationWindowSeconds: 3600,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 1, periodSeconds: 1800 }],
  } as const;
  for (const count of [1, 2, 5]) {
    let memory = fleetMemory();
    for (let i = 0; i < 300; i++) {
      const targets = Array.from({ length: count }, (_, n) =>
        target({
          target: `variant-${n}`,
          maxReplicas: 2_000_000,
          otherOwner: { ref: 'HorizontalPodAutoscaler/x', followsUs: false },
          ...worst(i),
        }),
      );
      const recommendations = [recommendation({ at: at(i), behavior: { scaleUp: hour, scaleDown: hour }, targets })];
      ({ memory } = settle(settleInput({ memory, now: at(i), recommendations, reports: [] })));
    }
    expect(JSON.stringify(memory.pools['team-a/chat']?.safety).length).toBeLessThanOrEqual(4096);
  }
});

test('property: safety memory of a pool stays under 4 kB, whatever is decided and however often', () => {
  const pass = fc.record({
    wanted: fc.integer({ min: 0, max: 999_999 }),
    spec: fc.integer({ min: 0, max: 999_999 }),
    gap: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(
      behaviors,
      fc.integer({ min: 1, max: 5 }),
      fc.array(pass, { minLength: 60, maxLength: 120 }),
      (behavior, count, passes) => {
        let memory = fleetMemory();
        let now = 0;
        for (const { wanted, spec, gap } of passes) {
          now += gap;
          const targets = Array.from({ length: count }, (_, i) =>
            target({ target: `variant-${i}`, wanted: wanted + i, specReplicas: spec + i, maxReplicas: 2_000_000 }),
          );
          memory = settle(
            settleInput({
              memory,
              now: at(now),
              recommendations: [recommendation({ at: at(now), behavior, targets })],
              reports: [],
            }),
          ).memory;
        }
        expect(JSON.stringify(memory.pools['team-a/chat']?.safety).length).toBeLessThanOrEqual(4096);
      },
    ),
    { numRuns: 60, seed: 7 },
  );
});
