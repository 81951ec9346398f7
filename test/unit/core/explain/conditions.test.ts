import { expect, test } from 'vitest';
import { conditionsOf } from '../../../../src/core/explain/conditions.ts';
import type { ReplicaSamples } from '../../../../src/core/model/pool.ts';
import type { ConditionReport } from '../../../../src/core/model/report.ts';
import { evidenceOf } from '../../../../src/core/signals/evidence.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import { at, epoch, missingSamples, poolSeen, replicaSeen, samples, targetSeen } from '../../../support/builders.ts';

const busy = { waiting: 3, running: 8, kvUse: 0.5, finishedTotal: 100 };

function metricsOf(all: readonly ReplicaSamples[], readyAgo = 60): ConditionReport | undefined {
  const replicas = all.map((one, i) => {
    const isYoung = one.running.kind === 'missing';
    return replicaSeen(`r${i}`, { since: at(isYoung ? -readyAgo : -60), samples: one });
  });
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

test('replicas that became ready a moment ago are not missing, they are read next', () => {
  const unread = [samples(busy), ...Array.from({ length: 4 }, () => missingSamples('NotScraped'))];
  expect(metricsOf(unread, 1)).toMatchObject({
    status: 'True',
    message: 'required signals are fresh on 1 of 5 replicas, 4 just became ready and are read next',
  });
  expect(metricsOf(unread, 60)).toMatchObject({ status: 'False' });
  expect(
    metricsOf([samples(busy), ...Array.from({ length: 4 }, () => missingSamples('ScrapeFailed'))], 1),
  ).toMatchObject({
    status: 'False',
  });
  expect(metricsOf([missingSamples('NotScraped')], 1)).toMatchObject({ status: 'Unknown', reason: 'NotReadYet' });
});

test('a decrease waits for the first reading of a replica that became ready a moment ago', () => {
  const young = { since: at(-1), samples: missingSamples('NotScraped') };
  const replicas = [replicaSeen('r0', { samples: samples(busy) }), replicaSeen('r1', young), replicaSeen('r2', young)];
  const context = { baselines: {}, watchedSince: at(-3600), now: epoch };
  const observation = observe(poolSeen({ targets: [targetSeen({ replicas })] }), context);
  expect(evidenceOf(observation).allowsDecrease).toBe(false);
});
