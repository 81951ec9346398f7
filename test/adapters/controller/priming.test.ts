import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { unpackLearned } from '../../../src/adapters/kube/checkpoint.ts';
import { object } from '../../../src/adapters/kube/fields.ts';
import type { LearnedMemory } from '../../../src/core/model/memory.ts';
import type { AgentProcess } from '../../support/agent-process.ts';
import { startController } from '../../support/controller-process.ts';
import { autoscalerObject, deploymentObject, readyPod } from '../../support/kube-objects.ts';
import { KubeServer } from '../../support/kube-server.ts';

const checkpoint = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/poolcheckpoints/chat';

/** A Prometheus that remembers the last three hours of any pool, or one that is out of order. */
async function prometheus(isBroken = false): Promise<string> {
  const begin = Date.now() / 1000 - 3 * 3600;
  const answer = (resultType: string, result: readonly unknown[]): string =>
    JSON.stringify({ status: 'success', data: { resultType, result } });
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (isBroken) return response.writeHead(503).end('{"status":"error","error":"out of order"}');
      if (request.url === '/api/v1/query') return response.end(answer('vector', []));
      const form = new URLSearchParams(body);
      const [start = 0, end = 0, step = 60] = ['start', 'end', 'step'].map((name) => Number(form.get(name)));
      const count = Math.round((end - start) / step) + 1;
      const values = Array.from({ length: count }, (_, n) => [start + n * step, '7']);
      const kept = values.filter(([at]) => Number(at) > begin);
      return response.end(answer('matrix', kept.length === 0 ? [] : [{ metric: {}, values: kept }]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function controllerWith(url: string): Promise<{ readonly kube: KubeServer; readonly run: AgentProcess }> {
  const kube = await KubeServer.listen();
  kube.put('/apis/apps/v1/namespaces/team-a/deployments/chat', deploymentObject({ replicas: 1 }));
  kube.put('/api/v1/namespaces/team-a/pods/chat-abc-u1', readyPod('u1'));
  const signals = { source: 'Pods', prometheus: { url } };
  kube.put(
    '/apis/forewarm.dev/v1alpha1/namespaces/team-a/inferenceautoscalers/chat',
    autoscalerObject({ spec: { signals } }),
  );
  return { kube, run: await startController(kube, ['--prometheus-allow', url, '--log-level', 'debug']) };
}

/** Until a line of the log says so and so many passes were made since; then the process is told to end. */
async function ending({ child, ended }: AgentProcess, line: string, passes: number): Promise<string> {
  let log = '';
  await new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      log += chunk.toString();
      const [, ...since] = log.split(line);
      if (since.length > 0 && since.join(line).split('Made a pass').length > passes) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', take);
  });
  child.kill('SIGTERM');
  await ended;
  return log;
}

async function learned(kube: KubeServer): Promise<LearnedMemory | undefined> {
  return await unpackLearned(object(kube.get(checkpoint), 'spec'));
}

test('a controller that has no checkpoint learns the past of a pool, and stores it', { timeout: 60_000 }, async () => {
  const { kube, run } = await controllerWith(await prometheus());
  const log = await ending(run, 'Primed the forecast of a pool', 1);
  expect(log).toMatch(/"minutes":1[78]\d/);
  const { state = {} } = (await learned(kube))?.long ?? {};
  expect((state as { readonly known: number }).known).toBeGreaterThan(170);
});

test('one whose Prometheus is out of order says so once, and has decided before', { timeout: 60_000 }, async () => {
  const { kube, run } = await controllerWith(await prometheus(true));
  const log = await ending(run, 'Could not read the past of a pool', 0);
  expect(log.split('Could not read the past of a pool')).toHaveLength(2);
  expect(log).toContain('HTTP 503: out of order');
  expect(log.indexOf('Made a pass')).toBeLessThan(log.indexOf('Could not read the past of a pool'));
  const memory = await learned(kube);
  expect(memory).toBeDefined();
  expect(memory?.long).toBeUndefined();
});
