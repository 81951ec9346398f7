import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from './support/api.ts';
import { type AuditedRequest, AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import type { Child } from './support/child.ts';
import { condition, controllerUser } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';
import { WarmPool } from './support/warm-pool.ts';

/** Fast bootstrap in a closed loop: files are where the next replica lands before it is ordered, and what that saves is measured by the product itself. */
const api = connect();
const agentUser = 'system:serviceaccount:forewarm-node:forewarm-agent';
let pool: WarmPool;
let controller: Child;
let hash = '';

beforeAll(async () => {
  pool = await WarmPool.start(api, { namespace: 'warm', network: 70 });
  controller = await pool.startController('controller-warm');
  for (let i = 0; i < 3; i += 1) await pool.startAgent(await pool.addNode());
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(pool.product.lastWords());
});
afterAll(async () => {
  await pool?.stop();
  await api.close();
});

const nodeOf = (pod: KubeObject | undefined): string => String(pod?.spec?.['nodeName']);
const waitedOn = (pod: KubeObject | undefined): number => pool.standIn.waited.get(pod?.metadata.name ?? '') ?? NaN;
const secondsSince = (began: number): number => (performance.now() - began) / 1000;

/** The check that the broken twin fails: as many replicas are Ready in time. */
async function readyWithin(count: number, seconds: number): Promise<readonly KubeObject[]> {
  return await until(
    `${count} replicas Ready`,
    () => pool.readyPods(),
    (pods) => pods.length >= count,
    { seconds },
  );
}

test('the artifact is pinned for the whole cluster: commit, bytes, hash', async () => {
  const artifact = await pool.pinned();
  hash = String(artifact.status?.['hash']);
  const totalBytes = pool.model.files.reduce((sum, file) => sum + file.body.length, 0);
  expect(artifact.status).toMatchObject({ commit: pool.model.commit, totalBytes });
  expect(hash).toMatch(/^[0-9a-f]{12}$/);
});

test('the first replica starts cold: its node is assigned the files, its agent fetches them, the node is labelled', async () => {
  const began = performance.now();
  await pool.deploy(hash);
  await pool.autoscale({ minReplicas: 1, maxReplicas: 3 });
  const [pod] = await readyWithin(1, 40);
  const coldSeconds = secondsSince(began);
  expect(waitedOn(pod)).toBeGreaterThan(3);
  expect(await pool.cache(nodeOf(pod))).toMatchObject({ assigned: hash, phase: 'Ready' });
  await until(
    'the label of the node',
    () => pool.hasWarmLabel(nodeOf(pod), hash),
    (isThere) => isThere,
  );
  const note = `${waitedOn(pod).toFixed(1)} s of it waiting for 24 MB`;
  record({ loop: 'first replica, cold node', reactionSeconds: coldSeconds, note });
});

test('nodes where the next replicas would land are warmed before any is ordered', async () => {
  const warmed = await until(
    'Warm True with copies on all three nodes',
    () => pool.autoscaler(),
    (object) => (object.status?.['warmth'] as { readyCopies?: number } | undefined)?.readyCopies === 3,
    { seconds: 40 },
  );
  expect(condition(warmed, 'Warm')).toMatchObject({ status: 'True', reason: 'CopiesReady' });
  for (const node of pool.nodes) {
    expect(await pool.cache(node)).toMatchObject({ assigned: hash, phase: 'Ready' });
    // The label follows the cache's report in a write of its own, which the status need not wait for.
    await until(
      `the label of ${node}`,
      () => pool.hasWarmLabel(node, hash),
      (isThere) => isThere,
      { seconds: 10 },
    );
  }
  expect(await pool.specReplicas()).toBe(1);
});

test('load raises the pool onto warm nodes, and the new replica does not wait for weights', async () => {
  const before = new Set((await pool.pods()).map((pod) => pod.metadata.uid));
  pool.load.rate = 11;
  await until(
    'spec above 1',
    () => pool.specReplicas(),
    (n) => n > 1,
    { seconds: 40 },
  );
  const began = performance.now();
  const ready = await readyWithin(2, 20);
  const warmSeconds = secondsSince(began);
  const added = ready.filter((pod) => !before.has(pod.metadata.uid));
  for (const pod of added) expect(waitedOn(pod)).toBeLessThan(1.5);
  const note = `${Math.max(...added.map(waitedOn)).toFixed(2)} s of it waiting for weights`;
  record({ loop: 'next replica, warm node', reactionSeconds: warmSeconds, note });
});

interface LeadTime {
  readonly warmSeconds: number;
  readonly coldSeconds: number;
  readonly warmStarts: number;
  readonly coldStarts: number;
  readonly phases: readonly { readonly name: string; readonly warmSeconds: number; readonly coldSeconds: number }[];
}
const leadTimeOf = (object: KubeObject): LeadTime | undefined => object.status?.['leadTime'] as LeadTime | undefined;

test('status tells warm and cold lead times apart, measured, and the difference is the weights', async () => {
  const object = await until(
    'a start of each kind is counted',
    () => pool.autoscaler(),
    (seen) => (leadTimeOf(seen)?.warmStarts ?? 0) >= 1 && (leadTimeOf(seen)?.coldStarts ?? 0) >= 1,
    { seconds: 40 },
  );
  const leadTime = leadTimeOf(object);
  const weights = leadTime?.phases.find(({ name }) => name === 'weights');
  expect(leadTime?.coldStarts).toBe(1);
  expect(leadTime?.warmSeconds).toBeLessThan(leadTime?.coldSeconds ?? 0);
  expect(weights?.coldSeconds).toBeGreaterThanOrEqual(3);
  expect(weights?.warmSeconds).toBeLessThanOrEqual(2); // pods are dated in whole seconds, and 1 s lies in the bucket that ends at 2 s
  const note = `warm ${leadTime?.warmSeconds} s (${leadTime?.warmStarts}), cold ${leadTime?.coldSeconds} s (${leadTime?.coldStarts})`;
  record({ loop: 'lead times as learnt, p90', note });
});

/** Whatever controller or agents ask for, except that the leader renews its lease and watches go on. */
const isWork = ({ user, verb, resource }: AuditedRequest): boolean =>
  [controllerUser, agentUser].includes(user) && verb !== 'watch' && resource !== 'leases';

test('when nothing moves, controller and agents ask the API server for nothing', async () => {
  pool.load.rate = 0;
  await until(
    'back to 1',
    async () => [await pool.specReplicas(), (await pool.pods()).length],
    ([spec, pods]) => spec === 1 && pods === 1,
    { seconds: 90 },
  );
  const began = performance.now();
  const quietSeconds = 12;
  let [audit, since] = [new AuditTail(clusterDir()), began];
  await until(
    `${quietSeconds} quiet seconds`,
    () => {
      const work = audit.requests().filter(isWork);
      if (work.length > 0) [audit, since] = [new AuditTail(clusterDir()), performance.now()];
      return { quiet: secondsSince(since), work };
    },
    ({ quiet }) => quiet >= quietSeconds,
    { seconds: 60, everyMilliseconds: 500 },
  );
  for (const node of pool.nodes) expect((await pool.cache(node)).phase).toBe('Ready');
  const note = `no request but watches and the lease for ${quietSeconds} s, ${secondsSince(began).toFixed(0)} s after the pool was back at 1`;
  record({ loop: 'steady state', scaleWrites: 0, note });
});

test('a node whose budget is too small says so, the condition says so, and the other nodes serve', async () => {
  const node = await pool.addNode();
  await pool.startAgent(node, ['--budget', '10M']);
  await until(
    'the small node reports its budget',
    () => pool.cache(node),
    ({ budgetBytes }) => budgetBytes === 10_000_000,
  );
  await pool.autoscale({ minReplicas: 4, maxReplicas: 5 });
  const refused = await until(
    'the agent refuses',
    () => pool.cache(node),
    ({ phase }) => phase === 'Failed',
    { seconds: 40 },
  );
  expect(refused.message).toMatch(/DiskFull: needs 22\.9 MiB, room for 9\.5 MiB \(\d B used of 9\.5 MiB\)/);
  const object = await until(
    'Warm False',
    () => pool.autoscaler(),
    (seen) => condition(seen, 'Warm')?.reason === 'CopiesFailed',
  );
  expect(condition(object, 'Warm')?.message).toContain(`1 failed, on ${node}: DiskFull: needs 22.9 MiB`);
  const serving = await readyWithin(3, 30);
  expect(serving.map(nodeOf)).not.toContain(node);
  const before = pool.load.succeeded;
  pool.load.rate = 6;
  await until(
    'requests are served',
    () => pool.load.succeeded - before,
    (n) => n > 10,
  );
  pool.load.rate = 0;
  expect(pool.load.failed).toBe(0);
  record({ loop: 'budget too small for the model', note: refused.message });
});

test('broken twin: on a cold node without an agent the replica is not Ready in time; with one it is', async () => {
  const node = await pool.addNode();
  await pool.autoscale({ minReplicas: 5, maxReplicas: 5 });
  await until(
    'a replica waits on the node',
    () => pool.pods(),
    (pods) => pods.some((pod) => nodeOf(pod) === node && pod.status?.['phase'] === 'Running'),
  );
  await expect(readyWithin(4, 12)).rejects.toThrow('4 replicas Ready did not happen in 12 s');
  const object = await pool.autoscaler();
  expect(condition(object, 'Warm')?.status).toBe('False');
  const began = performance.now();
  await pool.startAgent(node);
  const ready = await readyWithin(4, 40);
  expect(ready.map(nodeOf)).toContain(node);
  const note = 'not Ready in 12 s without the agent; then from its start';
  record({ loop: 'broken twin: agent off', reactionSeconds: secondsSince(began), note });
});

test('while the controller is dead nothing is evicted, and a replaced pod starts warm', async () => {
  const kept = pool.nodes.slice(0, 3).map((node) => contents(pool.folder(node)));
  expect(kept[0]?.length).toBeGreaterThan(5);
  controller.signal('SIGKILL');
  expect(await controller.exited).toBeNull();
  const audit = new AuditTail(clusterDir());
  const [victim] = await pool.readyPods();
  await api.delete(`/api/v1/namespaces/${pool.namespace}/pods/${victim?.metadata.name}`);
  const replaced = await until(
    'the pod is replaced',
    () => pool.readyPods(),
    (pods) => pods.length === 4 && pods.every((pod) => pod.metadata.uid !== victim?.metadata.uid),
  );
  const successor = replaced.find((pod) => nodeOf(pod) === nodeOf(victim));
  expect(waitedOn(successor)).toBeLessThan(1.5);
  await holds(
    'every file stays',
    () => pool.nodes.slice(0, 3).map((node) => contents(pool.folder(node))),
    (now) => JSON.stringify(now) === JSON.stringify(kept),
    { seconds: 8, everyMilliseconds: 500 },
  );
  for (const node of pool.nodes.slice(0, 3)) {
    expect((await pool.cache(node)).phase).toBe('Ready');
    expect(await pool.hasWarmLabel(node, hash)).toBe(true);
  }
  expect(audit.writesBy(agentUser)).toStrictEqual([]);
  record({ loop: 'controller dead', note: 'nothing evicted, no write of an agent, replaced pod started warm' });
});

/** Names of all that is published and stored, without the agent's own lock. */
function contents(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name !== join('.forewarm', 'lock')).sort();
}
