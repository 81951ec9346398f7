import { expect, test } from 'vitest';
import { isJson, list, text } from '../../../src/adapters/kube/fields.ts';
import { startController } from '../../support/controller-process.ts';
import { autoscalerObject, deploymentObject, hpaObject } from '../../support/kube-objects.ts';
import { KubeServer } from '../../support/kube-server.ts';

/** MET-04: somebody else holds the one slot for external metrics, and the HPA that should follow us cannot. */
test('in mode Recommend the condition names the follower, its words and whoever serves external metrics now', async () => {
  const server = await KubeServer.listen();
  server.put('/apis/apps/v1/namespaces/team-a/deployments/chat', deploymentObject());
  const autoscaler = autoscalerObject({ spec: { mode: 'Recommend' } });
  const edit = (generation: number): void => {
    const metadata = { ...(isJson(autoscaler['metadata']) ? autoscaler['metadata'] : {}), generation };
    server.put('/apis/forewarm.dev/v1alpha1/namespaces/team-a/inferenceautoscalers/chat', { ...autoscaler, metadata });
  };
  edit(1);
  const failing = {
    type: 'ScalingActive',
    status: 'False',
    reason: 'FailedGetExternalMetric',
    message: 'no such metric',
  };
  server.put(
    '/apis/autoscaling/v2/namespaces/team-a/horizontalpodautoscalers/hpa',
    hpaObject({ conditions: [failing] }),
  );
  server.put('/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io', {
    spec: { service: { namespace: 'keda', name: 'keda-metrics-apiserver' } },
  });
  const said = new Promise<string>((resolve) => {
    server.interfere = ({ path, body }) => {
      // An edit wakes the next pass, so that the test need not wait for it.
      if (path.startsWith('/apis/apiregistration.k8s.io')) edit(2);
      const conditions = list(Array.isArray(body) ? body[1] : {}, 'value', 'conditions').filter(isJson);
      const followed = conditions.find((one) => one['type'] === 'Followed' && one['reason'] === 'NotFollowed');
      const message = text(followed, 'message') ?? '';
      if (message.includes('keda')) resolve(message);
      return undefined;
    };
  });
  await startController(server);
  const message = await said;
  expect(message).toContain('HorizontalPodAutoscaler/hpa does not act on target chat');
  expect(message).toContain('no such metric');
  expect(message).toContain('external.metrics.k8s.io is served by Service keda/keda-metrics-apiserver');
});
