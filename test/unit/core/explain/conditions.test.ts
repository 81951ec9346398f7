import { expect, test } from 'vitest';
import { conditionsOf } from '../../../../src/core/explain/conditions.ts';
import type { ReplicaSamples } from '../../../../src/core/model/pool.ts';
import type { ConditionReport } from '../../../../src/core/model/report.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import { at, epoch, missingSamples, poolSeen, replicaSeen, samples, targetSeen } from '../../../support/builders.ts';

const busy = { waiting: 3, running: 8, kvUse: 0.5, finishedTotal: 100 };

function metricsOf(all: readonly ReplicaSamples[]): ConditionReport | undefined {
  const replicas = all.map((one, i) => replicaSeen(`r${i}`, { since: at(-60), samples: one }));
  const observation = observe(poolSeen({ targets: [targetSeen({ replicas })] }), {
    baselines: {},
    watchedSince: at(-3600),
    now: epoch,
  });
  return conditionsOf({ observation, sized: [] }).find(({ type }) => type === 'MetricsAvailable');
}

test('metrics of every replica are told from metrics of enough replicas', () => {
  const whole = metricsOf([samples(busy), samples(busy)]);
  expect(whole).toMatchObject({ status: 'True', message: 'every required signal is fresh' });
  const forgiven = metricsOf([samples(busy), missingSamples()]);
  expect(forgiven).toMatchObject({ status: 'True', message: 'required signals are fresh on 1 of 2 replicas' });
  expect(metricsOf([missingSamples(), missingSamples()])?.status).toBe('False');
});
