import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AuditTail } from '../cluster/support/audit.ts';
import { clusterDir, connect, makeNamespace, makeNodes } from '../cluster/support/bed.ts';
import type { Child } from '../cluster/support/child.ts';
import { Load } from '../cluster/support/load.ts';
import { chatAutoscaler, chatDeployment, condition, Product, served } from '../cluster/support/product.ts';
import { type Engine, NodeStandIn } from '../cluster/support/stand-in.ts';
import { until } from '../cluster/support/wait.ts';
import { folderModel, startHub, type TestHub } from '../support/hub.ts';
import { healthy, startVllm, venv } from './vllm.ts';

/** The real vLLM, started offline from the folder that our agent filled, driven into queueing by real requests, under the real control plane. */
const api = connect();
const ns = 'engine';
const repository = 'forewarm/tiny-random';
const dir = mkdtempSync(join(tmpdir(), 'forewarm-engine.'));
const cache = join(dir, 'node', 'hub');
const deployment = `/apis/apps/v1/namespaces/${ns}/deployments/chat`;
const autoscaler = `${served}/namespaces/${ns}/inferenceautoscalers/chat`;
const model = folderModel(repository, makeModel());
const published = `models--${repository.replace('/', '--')}/snapshots/${model.commit}`;
let hub: TestHub;
let product: Product;
let standIn: NodeStandIn;
let load: Load;
let vllm: Child | undefined;

function makeModel(): string {
  const folder = join(dir, 'model');
  const script = join(import.meta.dirname, 'make_model.py');
  execFileSync(join(venv(), 'bin/python'), [script, '--out', folder, '--preset', 'deep'], { stdio: 'pipe' });
  return folder;
}

/** One real engine fits this machine: the pods that come after the first stay where a starting engine stands. */
async function startEngine(address: string): Promise<Engine> {
  if (vllm !== undefined) return await new Promise(() => undefined);
  const cacheRoot = join(process.env['CACHE_DIR'] ?? join(homedir(), '.cache/forewarm'), 'vllm-cache');
  vllm = startVllm({ address, hfHome: join(dir, 'node'), repository, maxNumSeqs: 4, cacheRoot });
  await healthy(vllm, address);
  return vllm;
}

beforeAll(async () => {
  mkdirSync(cache, { recursive: true });
  hub = await startHub({ repositories: [model] });
  await makeNodes(api, [{ name: 'engine-1', podCidr: '127.1.41.0/24', gpus: 8 }]);
  await makeNamespace(api, ns);
  product = await Product.install(api);
  standIn = new NodeStandIn(api, {
    namespace: ns,
    selector: 'app=chat',
    cacheDir: () => cache,
    published,
    engineSeconds: 0,
    startEngine,
  });
  standIn.start();
  load = new Load(api, { namespace: ns, selector: 'app=chat', promptTokens: 40, outputTokens: 64 });
  load.start();
  await api.create(`${served}/namespaces/${ns}/modelartifacts`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ModelArtifact',
    metadata: { name: 'chat' },
    spec: { source: `hf://${repository}` },
  });
  await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, chatDeployment({ namespace: ns, replicas: 1 }));
  const warmth = { mode: 'Act', modelArtifactRef: { name: 'chat' } };
  await product.apply(`${served}/namespaces/${ns}/inferenceautoscalers`, chatAutoscaler(ns, { mode: 'Scale', warmth }));
  await product.startController({ args: ['--hub-endpoint', hub.endpoint] });
  await product.startAgent(await agentPod(), ['--cache-dir', cache, '--hub-endpoint', hub.endpoint]);
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(product.lastWords());
});
afterAll(async () => {
  await load?.stop();
  await product?.uninstall();
  await standIn?.stop();
  await vllm?.stop();
  await hub?.close();
  await api.close();
  rmSync(dir, { recursive: true, force: true });
});

async function agentPod(): Promise<{ name: string; uid: string; node: string }> {
  const pods = await until(
    "the DaemonSet's pod",
    () => api.list('/api/v1/namespaces/forewarm-node/pods'),
    (items) => items.some((pod) => pod.spec?.['nodeName'] === 'engine-1'),
  );
  const pod = pods.find((candidate) => candidate.spec?.['nodeName'] === 'engine-1');
  return { name: pod?.metadata.name ?? '', uid: pod?.metadata.uid ?? '', node: 'engine-1' };
}

const specReplicas = async (): Promise<number> => Number((await api.get(deployment)).spec?.['replicas']);

test('the agent fills the cache directory that the controller assigned, and vLLM starts from it offline', async () => {
  await until(
    'the snapshot is published',
    () => existsSync(join(cache, published)),
    (isThere) => isThere,
    { seconds: 60 },
  );
  const ready = await until(
    'the engine is Ready',
    () => api.get(deployment),
    (object) => object.status?.['readyReplicas'] === 1,
    { seconds: 240, everyMilliseconds: 500 },
  );
  expect(ready.status?.['readyReplicas']).toBe(1);
  expect(vllm?.output).not.toContain('Downloading');
});

test('real requests make the real engine queue, and the controller scales on its metrics page', async () => {
  const audit = new AuditTail(clusterDir());
  await until(
    'metrics are read',
    () => api.get(autoscaler),
    (object) => condition(object, 'MetricsAvailable')?.status === 'True',
    {
      seconds: 60,
    },
  );
  expect(await specReplicas()).toBe(1);
  const began = performance.now();
  load.rate = 12;
  const raised = await until('spec above 1', specReplicas, (n) => n > 1, { seconds: 90 });
  const reaction = (performance.now() - began) / 1000;
  const page = await (await fetch(`http://${await engineAddress()}:8000/metrics`)).text();
  const waiting = Number(/^vllm:num_requests_waiting\{[^}]*\} (\S+)$/m.exec(page)?.[1]);
  load.rate = 0;
  expect(waiting).toBeGreaterThan(0);
  console.log(
    `real vLLM: ${waiting} waiting, 1 -> ${raised} after ${reaction.toFixed(1)} s, ${audit.scaleWrites(ns, 'chat').length} scale writes`,
  );
});

test('served to the end: no request failed, and the pool comes back to one', async () => {
  await until(
    'all requests answered',
    () => load.inFlight,
    (n) => n === 0,
    { seconds: 120 },
  );
  expect(load.failed).toBe(0);
  expect(load.succeeded).toBeGreaterThan(10);
  await until('back to 1', specReplicas, (n) => n === 1, { seconds: 90 });
});

/** Only the pod whose engine runs had its hold taken away. */
async function engineAddress(): Promise<string> {
  const pods = await api.list(`/api/v1/namespaces/${ns}/pods?labelSelector=app%3Dchat`);
  const running = pods.find((pod) => pod.metadata.annotations?.['forewarm.test/hold'] === undefined);
  return String(running?.status?.['podIP']);
}
