import { expect, test } from 'vitest';
import { Artifacts, artifactHash } from '../../../src/adapters/kube/artifacts.ts';
import { KubeActuators } from '../../../src/adapters/kube/actuators.ts';
import { list, object } from '../../../src/adapters/kube/fields.ts';
import { NodeCaches } from '../../../src/adapters/kube/node-caches.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { explainError, ForewarmError } from '../../../src/errors.ts';
import type { ArtifactResolver } from '../../../src/ports/artifacts.ts';
import { deployment, nodeCaches, watched, type Watched } from '../../support/kube-cluster.ts';
import { nodeObject, readyPod } from '../../support/kube-objects.ts';
import type { KubeJson, KubeServer } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const commit = '0123456789abcdef0123456789abcdef01234567';
const hash = artifactHash('team-a/llama', commit);
const artifactPath = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/modelartifacts/llama';
const node = (name: string): string => `/api/v1/nodes/${name}`;
const cache = (name: string): string => `${nodeCaches}/${name}`;

function pinned(server: KubeServer): void {
  server.put(artifactPath, {
    metadata: { generation: 1 },
    spec: { source: 'hf://meta/llama@main', files: ['*.json'] },
    status: { commit, hash, totalBytes: 7, observedGeneration: 1 },
  });
}
function twoNodes(server: KubeServer): void {
  for (const name of ['gpu-1', 'gpu-2']) {
    server.put(node(name), nodeObject(name));
    server.put(cache(name), { spec: { node: name, artifacts: [] } });
  }
  pinned(server);
}
const caches = ({ http, cluster }: Watched, assertFresh: () => void = () => undefined): NodeCaches =>
  new NodeCaches({ http, cluster, assertFresh });
const assignedOn = (server: KubeServer, name: string): unknown[] =>
  list(server.get(cache(name)), 'spec', 'artifacts').map((one) => object({ one }, 'one')['hash']);

test('every GPU node gets one cache of its name, owned by it; other nodes get none; twice changes nothing', async () => {
  const all = await watched((server) => {
    server.put(node('gpu-1'), nodeObject('gpu-1'));
    server.put(node('cpu-1'), { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  });
  await caches(all).reconcile(signal);
  await caches(all).reconcile(signal);
  expect(all.server.writes()).toStrictEqual([`POST ${nodeCaches}`]);
  expect(all.server.get(cache('gpu-1'))).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Node', name: 'gpu-1', uid: 'uid-gpu-1' }] },
    spec: { node: 'gpu-1' },
  });
});

test('an assignment says what to fetch; a second one of the same pass builds on it; the same again is silent', async () => {
  const all = await watched(twoNodes);
  const subject = caches(all);
  await subject.assign({ node: 'gpu-1', artifact: hash }, signal);
  await subject.assign({ node: 'gpu-1', artifact: hash }, signal);
  await subject.assign({ node: 'gpu-2', artifact: hash }, signal);
  expect(object(all.server.get(cache('gpu-1')), 'spec')['artifacts']).toStrictEqual([
    { hash, name: 'team-a/llama', source: 'hf://meta/llama', commit, files: ['*.json'] },
  ]);
  await subject.unassign('gpu-1', hash, signal);
  await subject.unassign('gpu-1', hash, signal);
  expect(assignedOn(all.server, 'gpu-1')).toStrictEqual([]);
  expect(all.server.writes()).toHaveLength(3);
});

test('what is assigned becomes awaited and no longer, in its place, and the same again is silent', async () => {
  const all = await watched(twoNodes);
  const subject = caches(all);
  const said = { node: 'gpu-1', artifact: hash };
  const shown = (): readonly unknown[] => list(all.server.get(cache('gpu-1')), 'spec', 'artifacts');
  await subject.assign(said, signal);
  await subject.assign({ ...said, isAwaited: true }, signal);
  await subject.assign({ ...said, isAwaited: true }, signal);
  expect(shown()).toMatchObject([{ hash, isAwaited: true }]);
  await subject.assign(said, signal);
  expect(shown()).toStrictEqual([{ hash, name: 'team-a/llama', source: 'hf://meta/llama', commit, files: ['*.json'] }]);
  expect(all.server.writes()).toHaveLength(3);
});

test('an agent that reports in between is no loss of an assignment', async () => {
  const all = await watched(twoNodes);
  let reports = 1;
  all.server.interfere = ({ method }) => {
    if (method === 'PATCH' && reports-- > 0) {
      const before = all.server.get(cache('gpu-1'));
      all.server.put(cache('gpu-1'), {
        ...before,
        spec: { node: 'gpu-1', artifacts: [{ hash: 'bbbbbbbbbbbb', name: 'x/y', source: 's', commit }] },
        status: { usedBytes: 1 },
      });
    }
    return undefined;
  };
  await caches(all).assign({ node: 'gpu-1', artifact: hash }, signal);
  expect(assignedOn(all.server, 'gpu-1')).toStrictEqual(['bbbbbbbbbbbb', hash]);
  expect(object(all.server.get(cache('gpu-1')), 'status')).toStrictEqual({ usedBytes: 1 });
});

test('an artifact that is gone is an error that names it', async () => {
  const all = await watched(twoNodes);
  const outcome = await caches(all)
    .assign({ node: 'gpu-1', artifact: 'cccccccccccc' }, signal)
    .then(() => '', explainError);
  expect(outcome).toContain('no ModelArtifact has this hash');
});

test('a node is labelled while its cache says Ready, and no longer; a steady state is silent', async () => {
  const all = await watched(twoNodes);
  const report = (phase: string): void => {
    all.server.put(cache('gpu-1'), { ...all.server.get(cache('gpu-1')), status: { artifacts: [{ hash, phase }] } });
  };
  const seen = async (phase: string): Promise<void> => {
    report(phase);
    await all.shows(() => all.cluster.nodeCaches.get('gpu-1')?.phases[hash] === phase);
    await caches(all).reconcile(signal);
  };
  const label = `warm.forewarm.dev/${hash}`;
  const labels = (): KubeJson => object(all.server.get(node('gpu-1')), 'metadata', 'labels') as KubeJson;
  await seen('Downloading');
  expect(labels()).toStrictEqual({});
  await seen('Ready');
  expect(labels()).toStrictEqual({ [label]: 'true' });
  await all.shows(() => all.cluster.nodes.get('gpu-1')?.labels[label] === 'true');
  for (let i = 0; i < 10; i++) await caches(all).reconcile(signal);
  expect(all.server.writes()).toHaveLength(1);
  await seen('Failed');
  expect(labels()).toStrictEqual({});
});

const found: ArtifactResolver = {
  resolve: () =>
    Promise.resolve({
      commit,
      files: [
        { path: 'config.json', bytes: 600, digest: { kind: 'git-sha1', hex: 'a'.repeat(40) } },
        { path: 'model.safetensors', bytes: 5000, digest: { kind: 'sha256', hex: 'b'.repeat(64) } },
      ],
    }),
};
const unpinned = (server: KubeServer): void => {
  server.put(artifactPath, { metadata: { generation: 1 }, spec: { source: 'hf://meta/llama@v1', files: ['*.json'] } });
};
function resolving(all: Watched, resolver: ArtifactResolver, clock: SkippingClock, problems: string[] = []): Artifacts {
  return new Artifacts({
    ...all,
    clock,
    resolver,
    assertFresh: () => undefined,
    onProblem: (_name, err) => problems.push(explainError(err)),
  });
}

test('an artifact is pinned to one commit, with the size of the files that are wanted, and never asked again', async () => {
  const all = await watched(unpinned);
  let asked = 0;
  const resolver: ArtifactResolver = { resolve: (...args) => (asked++, found.resolve(...args)) };
  const subject = resolving(all, resolver, new SkippingClock());
  await subject.reconcile(signal);
  await all.shows(() => [...all.cluster.artifacts.values()][0]?.pinned !== undefined);
  for (let i = 0; i < 5; i++) await subject.reconcile(signal);
  expect(asked).toBe(1);
  expect(object(all.server.get(artifactPath), 'status')).toMatchObject({
    commit,
    hash,
    totalBytes: 600,
    copiesReady: 0,
    conditions: [{ type: 'Resolved', status: 'True', reason: 'CommitPinned', message: `v1 is ${commit}` }],
  });
  expect(all.server.writes()).toHaveLength(1);
});

test('a hub that refuses is told in a condition and asked again less and less often', async () => {
  const all = await watched(unpinned);
  const problems: string[] = [];
  const clock = new SkippingClock();
  const resolver: ArtifactResolver = {
    resolve: () => Promise.reject(new ForewarmError('DOWNLOAD_FAILED', 'GET https://hub/x: 401')),
  };
  const subject = resolving(all, resolver, clock, problems);
  for (let second = 0; second < 100; second++) {
    await subject.reconcile(signal);
    clock.pass(1000);
  }
  expect(problems).toHaveLength(4);
  expect(object(all.server.get(artifactPath), 'status')).toMatchObject({
    conditions: [{ type: 'Resolved', status: 'False', reason: 'ResolveFailed', message: 'GET https://hub/x: 401' }],
  });
});

test('copies are counted from what the agents say, and written only when they change', async () => {
  const all = await watched((server) => {
    pinned(server);
    server.put(cache('gpu-1'), {
      spec: { node: 'gpu-1', artifacts: [{ hash }] },
      status: { artifacts: [{ hash, phase: 'Ready' }] },
    });
    server.put(cache('gpu-2'), { spec: { node: 'gpu-2', artifacts: [{ hash }] } });
  });
  const subject = resolving(all, found, new SkippingClock());
  await subject.reconcile(signal);
  await all.shows(() => object([...all.cluster.artifacts.values()][0], 'status')['copiesReady'] === 1);
  await subject.reconcile(signal);
  expect(object(all.server.get(artifactPath), 'status')).toMatchObject({
    copiesWanted: 2,
    copiesWarming: 1,
    copiesReady: 1,
    commit,
  });
  expect(all.server.writes()).toHaveLength(1);
});

test('a scale whose memory is not stored is not written; one that is, is, with an event', async () => {
  const all = await watched();
  const events: string[] = [];
  let isSaved = false;
  const actuators = new KubeActuators({
    ...all,
    nodeCaches: caches(all),
    events: { record: ({ reason, note }) => events.push(`${reason}: ${note}`) },
    assertFresh: () => undefined,
    isSaved: () => isSaved,
  });
  const action = { kind: 'Scale', pool: 'team-a/chat', target: 'chat', from: replicas(2), to: replicas(4) } as const;
  expect(await actuators.perform(action, signal).then(() => '', explainError)).toContain('could not be stored');
  expect(all.server.writes()).toStrictEqual([]);
  isSaved = true;
  await actuators.perform(action, signal);
  expect(all.server.get(deployment)?.['spec']).toMatchObject({ replicas: 4 });
  expect(events).toStrictEqual(['Scaled: Scaled Deployment/chat from 2 to 4']);
});

test('pods that shall go first are told so, others no longer, and one that is gone is no failure', async () => {
  const all = await watched((server) => {
    server.put('/api/v1/namespaces/team-a/pods/chat-abc-a', readyPod('a'));
    const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-1000', kept: 'yes' };
    const b = readyPod('b');
    server.put('/api/v1/namespaces/team-a/pods/chat-abc-b', {
      ...b,
      metadata: { ...object(b, 'metadata'), annotations },
    });
  });
  const actuators = new KubeActuators({
    ...all,
    nodeCaches: caches(all),
    events: { record: () => undefined },
    assertFresh: () => undefined,
    isSaved: () => true,
  });
  await actuators.perform(
    {
      kind: 'ProtectPods',
      pool: 'team-a/chat',
      target: 'chat',
      victims: ['gone', 'chat-abc-a'],
      freed: ['chat-abc-b'],
    },
    signal,
  );
  expect(object(all.server.get('/api/v1/namespaces/team-a/pods/chat-abc-a'), 'metadata', 'annotations')).toStrictEqual({
    'controller.kubernetes.io/pod-deletion-cost': '-1000',
  });
  expect(object(all.server.get('/api/v1/namespaces/team-a/pods/chat-abc-b'), 'metadata', 'annotations')).toStrictEqual({
    kept: 'yes',
  });
  await all.shows(() => all.cluster.pods.get('team-a/chat-abc-a')?.isMarked === true);
  const before = all.server.writes().length;
  await actuators.perform(
    { kind: 'ProtectPods', pool: 'team-a/chat', target: 'chat', victims: ['chat-abc-a'], freed: [] },
    signal,
  );
  expect(all.server.writes().length).toBe(before);
});
