import { expect, test } from 'vitest';
import { OtherTargets } from '../../../src/adapters/kube/other-targets.ts';
import { groupByOwner, podsOf } from '../../../src/adapters/kube/target.ts';
import { autoscalers, watched } from '../../support/kube-cluster.ts';
import { autoscalerObject, readyPod } from '../../support/kube-objects.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const path = '/apis/leaderworkerset.x-k8s.io/v1/namespaces/team-a/leaderworkersets/big';
const scaleTargetRef = { apiVersion: 'leaderworkerset.x-k8s.io/v1', kind: 'LeaderWorkerSet', name: 'big' };

test('a target of another kind is known by its scale and the pods that it selects, and unknown when it is gone', async () => {
  const all = await watched((server) => {
    server.put(path, { spec: { replicas: 2 }, status: { replicas: 2 } });
    server.put(
      `${autoscalers}/big`,
      autoscalerObject({ name: 'big', spec: { targets: [{ scaleTargetRef, maxReplicas: 4 }] } }),
    );
    server.put('/api/v1/namespaces/team-a/pods/leader', readyPod('leader', { name: 'leader', gpus: 4 }));
    server.put('/api/v1/namespaces/team-b/pods/away', readyPod('away', { name: 'away', namespace: 'team-b' }));
  });
  const problems: unknown[] = [];
  const { cluster } = all;
  const others = new OtherTargets({
    http: all.http,
    autoscalers: cluster.autoscalers,
    pods: cluster.pods,
    clock: new SkippingClock(),
    store: cluster.others,
    onProblem: (err) => problems.push(err),
  });
  await others.look(signal);
  const workload = cluster.workload('LeaderWorkerSet', 'team-a/big');
  const autoscaler = cluster.autoscalers.get('team-a/big');
  if (workload === undefined || autoscaler === undefined) throw new TypeError('the target was not seen');
  expect(workload).toMatchObject({ specReplicas: 2, statusReplicas: 2, gpus: 4 });
  const pods = podsOf(autoscaler, workload, { owned: groupByOwner(cluster.pods.values()), cluster });
  expect(pods.map(({ name }) => name)).toStrictEqual(['leader']);
  all.server.remove(path);
  await others.look(signal);
  expect(cluster.workload('LeaderWorkerSet', 'team-a/big')).toBeUndefined();
  expect(problems).toHaveLength(1);
  await others.look(signal);
  expect(problems).toHaveLength(1);
});
