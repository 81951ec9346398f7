import { expect, test } from 'vitest';
import { isCovered } from '../../../../src/core/signals/coverage.ts';
import { evidenceOf } from '../../../../src/core/signals/evidence.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import {
  at,
  missingSamples,
  poolSeen,
  replicaSeen,
  replicasSeen,
  samples,
  targetSeen,
} from '../../../support/builders.ts';

const coverage = {
  'nothing fresh is missing': { fresh: 0, of: 3, want: false },
  'no replica at all is missing': { fresh: 0, of: 0, want: false },
  'one of one is enough': { fresh: 1, of: 1, want: true },
  'below five replicas one gap is forgiven': { fresh: 1, of: 2, want: true },
  'below five replicas two gaps are not': { fresh: 2, of: 4, want: false },
  'from five replicas on 80 % must be fresh': { fresh: 4, of: 5, want: true },
  'seven of nine are less than 80 %': { fresh: 7, of: 9, want: false },
};
for (const [name, { fresh, of, want }] of Object.entries(coverage)) {
  test(`coverage: ${name}`, () => expect(isCovered(fresh, of)).toBe(want));
}

const busy = { waiting: 3, running: 8, kvUse: 0.5, finishedTotal: 100 };

test('a gap counts 0 when more is wanted and the peers maximum when less is', () => {
  const replicas = [
    replicaSeen('a', { samples: samples(busy) }),
    replicaSeen('b', { samples: samples({ ...busy, waiting: 1 }) }),
    replicaSeen('c', { since: at(-60), samples: missingSamples() }),
  ];
  const { signals } = observe(poolSeen({ targets: [targetSeen({ replicas })] }), {
    baselines: {},
    watchedSince: at(-3600),
    now: at(0),
  });
  expect(signals.waiting).toMatchObject({
    sum: 4,
    sumFilled: 7,
    fresh: 2,
    of: 3,
    isMissing: false,
    cause: 'ScrapeFailed',
  });
});

test('a reading older than three scrape intervals is stale', () => {
  const pool = (age: number) =>
    poolSeen({ targets: [targetSeen({ replicas: [replicaSeen('a', { samples: samples(busy, at(-age)) })] })] });
  expect(observe(pool(15), { baselines: {}, watchedSince: at(-3600), now: at(0) }).signals.running.isMissing).toBe(
    false,
  );
  expect(observe(pool(16), { baselines: {}, watchedSince: at(-3600), now: at(0) }).signals.running).toMatchObject({
    isMissing: true,
    cause: 'Stale',
  });
});

test('a reading from more than 5 s ahead is not believed', () => {
  const replicas = [replicaSeen('a', { samples: samples(busy, at(6)) })];
  const { signals } = observe(poolSeen({ targets: [targetSeen({ replicas })] }), {
    baselines: {},
    watchedSince: at(-3600),
    now: at(0),
  });
  expect(signals.running).toMatchObject({ isMissing: true, cause: 'FromTheFuture' });
});

test('a signal that no engine has is absent by nature and vetoes nothing', () => {
  const replicas = replicasSeen(3, { samples: samples({ ...busy, kvUse: 'NotExposed' }) });
  const observation = observe(poolSeen({ targets: [targetSeen({ replicas })] }), {
    baselines: {},
    watchedSince: at(-3600),
    now: at(0),
  });
  expect(observation.signals.kvUse.isNotExposed).toBe(true);
  expect(evidenceOf(observation).allowsDecrease).toBe(true);
});

test('replicas that start or drain are no part of coverage', () => {
  const starting = replicaSeen('z', { phase: 'StartingEngine', samples: missingSamples('NotScraped') });
  const draining = replicaSeen('y', { phase: 'Draining', samples: missingSamples('NotScraped') });
  const replicas = [...replicasSeen(2, { samples: samples(busy) }), draining, starting];
  const { signals } = observe(poolSeen({ targets: [targetSeen({ replicas })] }), {
    baselines: {},
    watchedSince: at(-3600),
    now: at(0),
  });
  expect(signals.running).toMatchObject({ fresh: 2, of: 2 });
});

test('a replica that has told nothing for ten minutes no longer counts as a gap', () => {
  const dark = (minutes: number) =>
    poolSeen({
      targets: [
        targetSeen({
          replicas: [
            ...replicasSeen(1, { samples: samples(busy) }),
            replicaSeen('x', { since: at(-60 * minutes), samples: missingSamples() }),
            replicaSeen('y', { since: at(-60 * minutes), samples: missingSamples() }),
          ],
        }),
      ],
    });
  expect(evidenceOf(observe(dark(9), { baselines: {}, watchedSince: at(-3600), now: at(0) })).allowsDecrease).toBe(
    false,
  );
  const after = observe(dark(10), { baselines: {}, watchedSince: at(-3600), now: at(0) });
  expect(evidenceOf(after).allowsDecrease).toBe(true);
  expect(after.readings.filter((r) => r.isDark).map((r) => r.seen.id)).toEqual(['x', 'y']);
});

const idleness = {
  'idle when every replica says 0': { replicas: replicasSeen(3), gateway: undefined, want: true },
  'not idle while one replica is unknown': {
    replicas: [...replicasSeen(2), replicaSeen('x', { samples: missingSamples() })],
    gateway: undefined,
    want: false,
  },
  'not idle while something waits at the gateway': { replicas: replicasSeen(3), gateway: 2, want: false },
  'idle without replicas when the gateway says 0': { replicas: [], gateway: 0, want: true },
  'not idle without replicas and without gateway': { replicas: [], gateway: undefined, want: false },
};
for (const [name, { replicas, gateway, want }] of Object.entries(idleness)) {
  test(`evidence shows ${name}`, () => {
    const queue =
      gateway === undefined
        ? {}
        : { gateway: { queued: samples({ waiting: gateway }).waiting, requestsTotal: samples().finishedTotal } };
    const seen = poolSeen({ targets: [targetSeen({ replicas })], ...queue });
    expect(evidenceOf(observe(seen, { baselines: {}, watchedSince: at(-3600), now: at(0) })).showsIdle).toBe(want);
  });
}
