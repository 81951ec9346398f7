import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { object, text } from '../../../src/adapters/kube/fields.ts';
import { startController } from '../../support/controller-process.ts';
import { autoscalerObject, deploymentObject } from '../../support/kube-objects.ts';
import { type Interference, KubeServer, refuse } from '../../support/kube-server.ts';

const lease = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm';

async function cluster(interfere: Interference = () => undefined): Promise<KubeServer> {
  const server = await KubeServer.listen();
  server.put('/apis/apps/v1/namespaces/team-a/deployments/chat', deploymentObject());
  server.put('/apis/forewarm.dev/v1alpha1/namespaces/team-a/inferenceautoscalers/chat', autoscalerObject());
  server.interfere = interfere;
  return server;
}

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return server;
}

test('a port that is taken ends the process with an error that names it, though the watches work', async () => {
  const { port } = (await listening()).address() as AddressInfo;
  const { ended } = await startController(await cluster(), ['--metrics-bind', `127.0.0.1:${port}`]);
  const { code, stderr } = await ended;
  expect(code).toBe(2);
  expect(stderr).toContain(`forewarm: listening on 127.0.0.1:${port} (--metrics-bind): listen EADDRINUSE`);
});

test('a schema that cannot be read ends the process', async () => {
  const server = await cluster(({ path }, response) => {
    if (!path.startsWith('/openapi')) return undefined;
    refuse(response, 403, 'Forbidden');
    return true;
  });
  const { code, stderr } = await (await startController(server)).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('forewarm: ');
});

test('memory that cannot be read at the start ends the process, and gives back the lease', async () => {
  const server = await cluster(({ path, method }, response) => {
    if (method !== 'GET' || !path.endsWith('/poolcheckpoints')) return undefined;
    refuse(response, 403, 'Forbidden');
    return true;
  });
  const { code, stderr } = await (await startController(server)).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^forewarm: .*poolcheckpoints/m);
  expect(text(server.get(lease), 'spec', 'holderIdentity')).toBe('');
  expect(object(server.get(lease), 'spec')['leaseTransitions']).toBeDefined();
});
