import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect, isReady, makeNamespace, makeNodes } from './support/bed.ts';
import { Emulator } from './support/emulator.ts';
import { Load } from './support/load.ts';
import { chatAutoscaler, chatDeployment, condition, Product, served } from './support/product.ts';
import { record } from './support/results.ts';
import { NodeStandIn } from './support/stand-in.ts';
import { holds, until } from './support/wait.ts';

/** The standalone scaler in a closed loop: real control plane, engines whose queue falls only because requests are served. */
const api = connect();
const ns = 'standalone';
const deployment = `/apis/apps/v1/namespaces/${ns}/deployments/chat`;
const autoscaler = `${served}/namespaces/${ns}/inferenceautoscalers/chat`;
const engines = new Map<string, Emulator>();
let product: Product;
let standIn: NodeStandIn;
let load: Load;
let audit: AuditTail;

const specReplicas = async (): Promise<number> => Number((await api.get(deployment)).spec?.['replicas']);
const readyPods = async (): Promise<number> =>
  (await api.list(`/api/v1/namespaces/${ns}/pods?labelSelector=app%3Dchat`)).filter(isReady).length;

beforeAll(async () => {
  await makeNodes(api, [
    { name: 'alone-1', podCidr: '127.1.31.0/24', gpus: 8 },
    { name: 'alone-2', podCidr: '127.1.32.0/24', gpus: 8 },
  ]);
  await makeNamespace(api, ns);
  product = await Product.install(api);
  standIn = new NodeStandIn(api, {
    namespace: ns,
    selector: 'app=chat',
    engineSeconds: 1,
    startEngine: async (address) => {
      const emulator = await Emulator.listen(address);
      engines.set(address, emulator);
      return emulator;
    },
  });
  standIn.start();
  load = new Load(api, { namespace: ns, selector: 'app=chat', promptTokens: 40, outputTokens: 20 });
  load.start();
  await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, chatDeployment({ namespace: ns, replicas: 1 }));
  await until('the first engine Ready', readyPods, (n) => n === 1);
  await product.apply(`${served}/namespaces/${ns}/inferenceautoscalers`, chatAutoscaler(ns, { mode: 'Scale' }));
  await product.startController();
  audit = new AuditTail(clusterDir());
});
afterEach(() => {
  for (const engine of engines.values()) engine.fault = 'None';
});
afterAll(async () => {
  await load?.stop();
  await product?.uninstall();
  await api.delete(autoscaler);
  await api.delete(`${deployment}?propagationPolicy=Background`);
  await standIn?.stop();
  await api.close();
});

test('load that one engine cannot carry raises the pool, and it then carries it', async () => {
  await until(
    'the controller decides',
    () => api.get(autoscaler),
    (object) => object.status?.['desiredReplicas'] === 1,
    { seconds: 40 },
  );
  const began = performance.now();
  load.rate = 18;
  await until('spec above 1', specReplicas, (n) => n > 1, { seconds: 40 });
  const reaction = (performance.now() - began) / 1000;
  await until(
    'the queue is gone',
    () => load.inFlight,
    (n) => n < 30,
    { seconds: 60 },
  );
  const size = await specReplicas();
  expect(size).toBeGreaterThanOrEqual(3);
  record({
    loop: 'standalone up',
    reactionSeconds: reaction,
    scaleWrites: audit.scaleWrites(ns, 'chat').length,
    note: `1 -> ${size}`,
  });
});

test('while metrics are missing the pool holds its size, whatever the load does, and says so', async () => {
  const size = await specReplicas();
  for (const engine of engines.values()) engine.fault = 'Dark';
  load.rate = 1;
  await until(
    'MetricsAvailable False',
    () => api.get(autoscaler),
    (object) => condition(object, 'MetricsAvailable')?.status === 'False',
    { seconds: 30 },
  );
  await holds('the size', specReplicas, (n) => n === size, { seconds: 15 });
  record({ loop: 'standalone hold, metrics missing', scaleWrites: 0, note: `held ${size} for 15 s` });
});

test('less load lowers the pool in the end, and no request is lost on the way', async () => {
  const before = { writes: audit.scaleWrites(ns, 'chat').length, failed: load.failed };
  const began = performance.now();
  load.rate = 1;
  await until('back to 1', specReplicas, (n) => n === 1, { seconds: 120 });
  const reaction = (performance.now() - began) / 1000;
  await until('pods gone', readyPods, (n) => n === 1, { seconds: 30 });
  expect(load.failed - before.failed).toBe(0);
  const writes = audit.scaleWrites(ns, 'chat').length - before.writes;
  record({ loop: 'standalone down', reactionSeconds: reaction, scaleWrites: writes, note: 'to 1' });
});
