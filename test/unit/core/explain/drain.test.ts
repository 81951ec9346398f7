import { expect, test } from 'vitest';
import type { SizedTarget } from '../../../../src/core/decision/pool-sizing.ts';
import { drainCondition, meanSeconds } from '../../../../src/core/explain/drain.ts';
import type { DrainSeen } from '../../../../src/core/model/pool.ts';

const safe: DrainSeen = { graceSeconds: 120, hasPreStop: true, finishesRequests: true };
const sized = (drain?: DrainSeen): readonly SizedTarget[] => [{ seen: { target: 'chat', drain } } as SizedTarget];

interface Case {
  readonly drain: Partial<DrainSeen>;
  readonly mean?: number;
  readonly want: readonly [status: string, reason: string, message: RegExp];
}
const cases: Readonly<Record<string, Case>> = {
  'a template that drains is safe': { drain: {}, mean: 20, want: ['False', 'Drains', /nothing in the templates/] },
  'an engine that ends what it runs': {
    drain: { finishesRequests: false },
    mean: 20,
    want: ['True', 'RequestsAborted', /--shutdown-timeout=92 and terminationGracePeriodSeconds 122/],
  },
  'the same while nothing runs': {
    drain: { finishesRequests: false },
    want: ['True', 'RequestsAborted', /--shutdown-timeout=30 and terminationGracePeriodSeconds 60/],
  },
  'requests that outlast the grace period': {
    drain: { graceSeconds: 30 },
    mean: 10,
    want: ['True', 'GraceTooShort', /up to about 46 s, terminationGracePeriodSeconds is 30: set it to 76/],
  },
  'no moment for the routers': { drain: { hasPreStop: false }, want: ['True', 'NoPreStop', /preStop of sleep 15/] },
};
for (const [name, { drain, mean, want }] of Object.entries(cases)) {
  test(`${name}`, () => {
    const said = drainCondition(sized({ ...safe, ...drain }), mean);
    const [status, reason, message] = want;
    expect(said).toMatchObject({ type: 'DrainUnsafe', status, reason });
    expect(said?.message).toMatch(message);
  });
}

test('of an engine that is not known only the grace period speaks', () => {
  const unknown: DrainSeen = { graceSeconds: 30, hasPreStop: false };
  expect(drainCondition(sized(unknown), 2)?.status).toBe('False');
  expect(drainCondition(sized(unknown), 20)?.reason).toBe('GraceTooShort');
});

test('the mean time in an engine is what runs over what finishes, of enough looks', () => {
  const curve = [
    { inFlight: 4, throughput: 1, weight: 30 },
    { inFlight: 12, throughput: 2, weight: 30 },
  ];
  expect(meanSeconds(curve)).toBeCloseTo(16 / 3);
  expect(meanSeconds(curve.map((bucket) => ({ ...bucket, weight: 10 })))).toBeUndefined();
  expect(meanSeconds([])).toBeUndefined();
});

test('without a template nothing is said', () => expect(drainCondition(sized(), 20)).toBeUndefined());
