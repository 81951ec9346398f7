import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isJson, list, text } from '../../../src/adapters/kube/fields.ts';
import { startController } from '../../support/controller-process.ts';
import { autoscalerObject, deploymentObject, readyPod } from '../../support/kube-objects.ts';
import { KubeServer } from '../../support/kube-server.ts';

const path = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/inferenceautoscalers/chat';

/** Something inside that nobody may be made to call: it counts who does. */
async function insider(): Promise<{ readonly url: string; calls: number }> {
  const seen = { url: '', calls: 0 };
  const server = createServer((_request, response) => {
    seen.calls += 1;
    response.end('{"secret":"of the loopback"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  seen.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return seen;
}

async function cluster(url: string): Promise<KubeServer> {
  const server = await KubeServer.listen();
  server.put('/apis/apps/v1/namespaces/team-a/deployments/chat', deploymentObject({ replicas: 1 }));
  server.put('/api/v1/namespaces/team-a/pods/chat-abc-u1', readyPod('u1'));
  const signals = { source: 'Prometheus', scrapeIntervalSeconds: 1, prometheus: { url } };
  server.put(path, autoscalerObject({ spec: { signals } }));
  return server;
}

/** What the first status with a gap in the metrics says that matches. */
function says(server: KubeServer, wanted: RegExp): Promise<string> {
  return new Promise((resolve) => {
    server.interfere = ({ method, body }) => {
      const [, status] = method === 'PATCH' && Array.isArray(body) ? body : [];
      const conditions = list(status, 'value', 'conditions').filter(isJson);
      const gap = conditions.find((one) => one['type'] === 'MetricsAvailable' && one['status'] === 'False');
      const message = text(gap, 'message') ?? '';
      if (wanted.test(message)) resolve(message);
      return undefined;
    };
  });
}

test('an address that the installation does not allow is never called; the condition says what is allowed', async () => {
  const inside = await insider();
  const server = await cluster(inside.url);
  const said = says(server, /prometheus/);
  await startController(server);
  const message = await said;
  expect(message).toContain('`spec.signals.prometheus.url` must be under http(s)://NAME.NAMESPACE.svc');
  expect(message).toContain(inside.url);
  expect(inside.calls).toBe(0);
});

test('one that it allows is called', async () => {
  const inside = await insider();
  const server = await cluster(inside.url);
  const said = says(server, /which is no answer of Prometheus/);
  await startController(server, ['--prometheus-allow', `cluster,${inside.url}`]);
  await said;
  expect(inside.calls).toBeGreaterThan(0);
});
