import { expect, test } from 'vitest';
import { budgetsOf, keepQuota } from '../../../src/adapters/kube/quota.ts';
import type { KubeJson } from '../../support/kube-server.ts';
import { Scene } from '../../support/cluster-scene.ts';

const quota = (spec: KubeJson, used: KubeJson = {}, name = 'gpus'): KubeJson => ({
  metadata: { name, namespace: 'team-a', uid: name },
  spec,
  status: { hard: spec['hard'], used },
});
const gpus = { 'requests.nvidia.com/gpu': '8' };

test('only quotas of GPUs that count every pod are kept', () => {
  expect(keepQuota(quota({ hard: gpus }, { 'requests.nvidia.com/gpu': '3' }))).toMatchObject({ hard: 8, used: 3 });
  expect(keepQuota(quota({ hard: { 'limits.cpu': '10' } }))).toBeUndefined();
  expect(keepQuota(quota({ hard: gpus, scopes: ['BestEffort'] }))).toBeUndefined();
  expect(keepQuota(quota({ hard: gpus, scopeSelector: { matchExpressions: [] } }))).toBeUndefined();
});

test('a budget is the quota less what others use of it; of another namespace, none', async () => {
  const scene = new Scene().autoscaler().deployment({ status: { replicas: 2 } });
  scene.put(scene.cluster.quotas, keepQuota, quota({ hard: gpus }, { 'requests.nvidia.com/gpu': '5' }));
  const { pools, fleet } = await scene.sensors.observe();
  const held = Number(pools[0]?.seen.targets[0]?.statusReplicas);
  expect(fleet.budgets).toStrictEqual([
    { name: 'ResourceQuota team-a/gpus', gpus: 8 - (5 - held), pools: ['team-a/chat'] },
  ]);
  expect(
    budgetsOf(
      scene.cluster.quotas.list().map((one) => ({ ...one, namespace: 'b' })),
      pools,
    ),
  ).toStrictEqual([]);
});
