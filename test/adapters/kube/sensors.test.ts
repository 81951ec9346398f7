import { expect, test } from 'vitest';
import { keepArtifact, keepNodeCache } from '../../../src/adapters/kube/artifact.ts';
import { pastReplicas, readingPlans } from '../../../src/adapters/kube/addresses.ts';
import type { ReplicaSeen, TargetSeen } from '../../../src/core/model/pool.ts';
import { at, samples } from '../../support/builders.ts';
import { Scene } from '../../support/cluster-scene.ts';
import {
  condition,
  container,
  type hpaObject,
  nodeObject,
  podObject,
  readyPod,
  running,
} from '../../support/kube-objects.ts';
import type { KubeJson } from '../../support/kube-server.ts';

test('ownership decides: pods of another Deployment with the same labels, of another namespace and corpses are not ours', async () => {
  const scene = new Scene().autoscaler().deployment();
  scene.pod(
    readyPod('mine'),
    readyPod('other', { deployment: 'chat-b', labels: { app: 'chat' } }),
    readyPod('away', { namespace: 'team-b' }),
    readyPod('evicted', { phase: 'Failed' }),
    { ...readyPod('bare'), metadata: { uid: 'bare', name: 'bare', namespace: 'team-a', labels: { app: 'chat' } } },
  );
  expect((await scene.target()).replicas.map(({ id }) => id)).toStrictEqual(['mine']);
});

test('the pool’s selector narrows what ownership gives', async () => {
  const scene = new Scene()
    .autoscaler({ spec: { pool: { selector: { matchLabels: { track: 'stable' } } } } })
    .deployment();
  scene.pod(readyPod('a', { labels: { track: 'stable' } }), readyPod('b', { labels: { track: 'canary' } }));
  expect((await scene.target()).replicas.map(({ id }) => id)).toStrictEqual(['a']);
});

test('a target that does not exist has no size, so nothing is decided on it', async () => {
  expect(await new Scene().autoscaler().target()).toStrictEqual({
    target: 'chat',
    specChanges: [],
    replicas: [],
    eligibleNodes: [],
    isRollingOut: false,
  });
});

test('changes of spec are remembered, whoever made them, and a pod knows the raise that asked for it', async () => {
  const scene = new Scene().autoscaler().deployment({ replicas: 1 });
  scene.clock.pass(10_000);
  scene.deployment({ replicas: 3 });
  scene.clock.pass(5000);
  scene.deployment({ replicas: 3, status: { replicas: 2 } });
  scene.deployment({ replicas: 2 });
  scene.pod(podObject({ uid: 'ordered', createdAt: 11 }), podObject({ uid: 'replaced', createdAt: 300 }));
  const target = await scene.target();
  expect(target.specChanges).toStrictEqual([
    { at: at(10), from: 1, to: 3 },
    { at: at(15), from: 3, to: 2 },
  ]);
  expect(target.replicas.map(({ milestones }) => milestones.orderedAt)).toStrictEqual([at(10), undefined]);
});

test('an order is never later than its pod, though pods are dated in whole seconds', async () => {
  const scene = new Scene().autoscaler().deployment({ replicas: 1 });
  scene.clock.pass(10_700);
  scene.deployment({ replicas: 2 });
  scene.pod(podObject({ createdAt: 10 }));
  expect((await scene.target()).replicas[0]?.milestones.orderedAt).toBe(at(10));
});

/** Pods that became known, one set after the other, after a raise from 1 to 3 at second 10. */
const orders: Readonly<
  Record<string, { readonly made: readonly (readonly [string, number])[]; readonly want: string }>
> = {
  'a raise of two explains two pods, not those of a rollout half a minute later': {
    made: [
      ['a', 11],
      ['b', 12],
      ['c', 40],
      ['d', 41],
    ],
    want: 'a:10 b:10 c:- d:-',
  },
  'what was made long before or long after a raise is not its doing': {
    made: [
      ['a', 5],
      ['b', 80],
    ],
    want: 'a:- b:-',
  },
};
for (const [name, { made, want }] of Object.entries(orders)) {
  test(`orders: ${name}`, async () => {
    const scene = new Scene().autoscaler().deployment({ replicas: 1 });
    scene.clock.pass(10_000);
    scene.deployment({ replicas: 3 });
    for (const [uid, createdAt] of made) {
      scene.pod(podObject({ uid, createdAt }));
      await scene.target();
    }
    expect(ordersOf(await scene.target())).toBe(want);
  });
}

test('an order keeps its pods: the place of one that is gone is not given to the next, and a decrease takes back what was never made', async () => {
  const scene = new Scene().autoscaler().deployment({ replicas: 1 });
  scene.clock.pass(10_000);
  scene.deployment({ replicas: 4 });
  scene.pod(podObject({ uid: 'a', createdAt: 11 }), podObject({ uid: 'b', createdAt: 11 }));
  expect(ordersOf(await scene.target())).toBe('a:10 b:10');
  scene.deployment({ replicas: 3 });
  scene.cluster.pods.delete('team-a/chat-abc-a');
  scene.pod(podObject({ uid: 'c', createdAt: 20 }));
  expect(ordersOf(await scene.target())).toBe('b:10 c:-');
});

function ordersOf({ replicas }: TargetSeen): string {
  const seconds = (one: ReplicaSeen): string =>
    one.milestones.orderedAt === undefined ? '-' : String((one.milestones.orderedAt - at(0)) / 1000);
  return replicas.map((one) => `${one.id}:${seconds(one)}`).join(' ');
}

test('all pods unready under load are still replicas that are read, with their samples', async () => {
  const scene = new Scene().autoscaler().deployment().pod(readyPod('a'));
  const lost = readyPod('a', { conditions: [condition('PodScheduled', 'True', 1), condition('Ready', 'False', 90)] });
  scene.pod(lost);
  scene.readings.set('a', { samples: samples({ waiting: 60 }) });
  const [replica] = (await scene.target()).replicas;
  expect(replica?.phase).toBe('Unready');
  expect(replica?.samples.waiting).toMatchObject({ kind: 'value', value: 60 });
  expect(readingPlans(scene.cluster, scene.pods)[0]?.replicas.map(({ id }) => id)).toStrictEqual(['a']);
});

test('only replicas that can answer are read; the port is the named one, the engine’s own or the only one there is', () => {
  const ports = (name: string, port: number): KubeJson[] => [{ name, containerPort: port }];
  const scene = new Scene().autoscaler().deployment();
  scene.pod(
    podObject({
      uid: 'starting',
      node: 'gpu-1',
      conditions: [condition('Ready', 'False', 1)],
      containers: [container(running(5))],
    }),
    readyPod('named', { ports: [...ports('http', 8000), ...ports('metrics', 9100)] }),
    readyPod('only', { ports: ports('serve', 8200) }),
    readyPod('plain'),
  );
  const [plan] = readingPlans(scene.cluster, scene.pods);
  expect(plan?.replicas.map(({ id, port, path }) => ({ id, port, path }))).toStrictEqual([
    { id: 'named', port: 9100, path: '/metrics' },
    { id: 'only', port: 8200, path: '/metrics' },
    { id: 'plain', port: 8000, path: '/metrics' },
  ]);
});

const workloads = {
  Deployment: ['chat-7c9d8bfb5d-x2x4z'],
  StatefulSet: ['chat-0', 'chat-12'],
  LeaderWorkerSet: ['chat-0'],
  Rollout: ['chat-7c9d8bfb5d-x2x4z', 'chat-0'],
} as const;
for (const [kind, own] of Object.entries(workloads)) {
  test(`pods that a ${kind} once had are known by their names, those of its neighbours are not`, () => {
    const [autoscaler] = new Scene().autoscaler().cluster.autoscalers.list();
    if (autoscaler === undefined) throw new Error('the scene has no autoscaler');
    const ref = { target: 'chat', apiVersion: 'x/v1', kind, name: 'chat' };
    const { namespace, podPatterns } = pastReplicas({ ...autoscaler, targets: [ref] });
    expect(namespace).toBe('team-a');
    const whole = new RegExp(`^(?:${podPatterns.join('|')})$`);
    const pods = [...own, 'chat-large-7c9d8bfb5d-x2x4z', 'chat-large-0', 'chat-0-1', 'chat', 'code-0', 'chatx-0'];
    expect(pods.filter((pod) => whole.test(pod))).toStrictEqual(own);
  });
}

test('a name that leaves no room for the rest is cut by Kubernetes, and found all the same', () => {
  const [autoscaler] = new Scene().autoscaler().cluster.autoscalers.list();
  if (autoscaler === undefined) throw new Error('the scene has no autoscaler');
  const name = 'chat-with-a-name.that-goes-on-and-on-and-on-until-it-is-cut-off';
  const ref = { target: 'chat', apiVersion: 'apps/v1', kind: 'Deployment', name };
  const { podPatterns } = pastReplicas({ ...autoscaler, targets: [ref] });
  const whole = new RegExp(`^(?:${podPatterns.join('|')})$`);
  expect(whole.test(`${`${name}-7c9d8bfb5d-`.slice(0, 58)}x2x4z`)).toBe(true);
  expect(whole.test('chat-with-another-name-7c9d8bfb5d-x2x4z')).toBe(false);
});

test('quota that refuses pods is told, a surge is told, and a scale-down under way is no surge', async () => {
  const failed = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: gpus' }];
  const refused = new Scene()
    .autoscaler()
    .deployment({ replicas: 10, status: { replicas: 4, updatedReplicas: 4, conditions: failed } });
  expect(await refused.target()).toMatchObject({
    specReplicas: 10,
    statusReplicas: 4,
    createFailure: { reason: 'FailedCreate', message: 'exceeded quota: gpus' },
    isRollingOut: false,
  });
  expect(
    await new Scene()
      .autoscaler()
      .deployment({ replicas: 4, status: { replicas: 5, updatedReplicas: 1 } })
      .target(),
  ).toMatchObject({ isRollingOut: true });
  expect(
    await new Scene()
      .autoscaler()
      .deployment({ replicas: 2, status: { replicas: 4, updatedReplicas: 4 } })
      .target(),
  ).toMatchObject({ isRollingOut: false });
});

const owners: Readonly<Record<string, { readonly hpa: Parameters<typeof hpaObject>[0]; readonly owner: KubeJson }>> = {
  'an HPA on our metric with our labels follows': {
    hpa: {},
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: true },
  },
  'one that selects more loosely, still only us, follows': {
    hpa: { selector: { autoscaler: 'chat' } },
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: true },
  },
  'one on another pool’s decision does not follow us': {
    hpa: { selector: { autoscaler: 'other', target: 'chat' } },
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: false },
  },
  'one without a selector follows nobody': {
    hpa: { selector: {} },
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: false },
  },
  'one on CPU is a rival': {
    hpa: { metric: 'cpu_thing' },
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: false },
  },
  'one that cannot read us says why': {
    hpa: {
      conditions: [
        { type: 'ScalingActive', status: 'False', reason: 'FailedGetExternalMetric', message: 'no such API' },
      ],
    },
    owner: { ref: 'HorizontalPodAutoscaler/hpa', followsUs: true, problem: 'FailedGetExternalMetric: no such API' },
  },
};
for (const [name, { hpa, owner }] of Object.entries(owners)) {
  test(`among owners, ${name}`, async () => {
    expect((await new Scene().autoscaler().deployment().hpa(hpa).target()).otherOwner).toStrictEqual(owner);
  });
}

test('a rival is named before a follower', async () => {
  const scene = new Scene().autoscaler().deployment().hpa({ name: 'a' }).hpa({ name: 'b', metric: 'x' });
  expect((await scene.target()).otherOwner?.ref).toBe('HorizontalPodAutoscaler/b');
});

test('of two autoscalers on one target the older one goes on, and one that only observes disturbs nobody', async () => {
  const scene = new Scene()
    .deployment()
    .autoscaler({ name: 'new', created: 60 })
    .autoscaler({ name: 'old', created: 0 })
    .autoscaler({ name: 'watcher', created: -60, spec: { mode: 'Observe' } });
  const seen = (await scene.sensors.observe()).pools.map(({ seen: { pool, targets } }) => [
    pool,
    targets[0]?.otherOwner?.ref,
  ]);
  expect(seen).toStrictEqual([
    ['team-a/new', 'InferenceAutoscaler/old'],
    ['team-a/old', undefined],
    ['team-a/watcher', undefined],
  ]);
});

test('free GPUs are what live pods leave, ours or not; a sick node is listed as such', async () => {
  const scene = new Scene().node(
    nodeObject('gpu-1'),
    nodeObject('gpu-2', { ready: 'False' }),
    nodeObject('gpu-3', { gpus: 0 }),
    nodeObject('gpu-4', { spec: { unschedulable: true } }),
  );
  scene.pod(
    readyPod('a', { gpus: 2 }),
    readyPod('b', { gpus: 3, namespace: 'elsewhere' }),
    readyPod('dead', { gpus: 3, phase: 'Failed' }),
    podObject({ uid: 'unbound', gpus: 4 }),
    readyPod('leaving', { deleted: 5 }),
  );
  expect((await scene.fleet()).nodes).toStrictEqual([
    { node: 'gpu-1', isHealthy: true, gpus: 8, freeGpus: 2 },
    { node: 'gpu-2', isHealthy: false, gpus: 8, freeGpus: 8 },
    { node: 'gpu-3', isHealthy: false, gpus: 0, freeGpus: 0 },
    { node: 'gpu-4', isHealthy: false, gpus: 8, freeGpus: 8 },
  ]);
});

test('eligible nodes are those the pod template may ever land on, healthy or not', async () => {
  const scene = new Scene().autoscaler().deployment({ podSpec: { nodeSelector: { kind: 'h100' } } });
  const h100 = { labels: { kind: 'h100' } };
  scene.node(
    nodeObject('a', h100),
    nodeObject('b'),
    nodeObject('c', { ...h100, ready: 'False' }),
    nodeObject('d', { ...h100, gpus: 0 }),
    nodeObject('e', { ...h100, spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } }),
  );
  expect((await scene.target()).eligibleNodes).toStrictEqual(['a', 'c', 'd']);
});

test('a first readiness that nobody saw has no time: the condition may tell of a return', async () => {
  const scene = new Scene().autoscaler().deployment();
  const returned = [condition('PodScheduled', 'True', 1), condition('Ready', 'True', 1600)];
  scene.pod(readyPod('old', { conditions: returned }), podObject({ uid: 'seen', node: 'gpu-1' }), readyPod('seen'));
  scene.pod(
    readyPod('seen', { conditions: [condition('Ready', 'False', 50)] }),
    readyPod('seen', { conditions: returned }),
  );
  expect(
    (await scene.target()).replicas.map(({ id, milestones, since }) => [id, milestones.readyAt, since]),
  ).toStrictEqual([
    ['old', undefined, at(1600)],
    ['seen', at(30), at(1600)],
  ]);
});

const hash = '394721b56053';
const artifact = {
  metadata: { name: 'llama', namespace: 'team-a', uid: 'm', generation: 1 },
  spec: { source: 'hf://meta/llama@main' },
  status: { commit: 'abcdef1', hash, totalBytes: 5, observedGeneration: 1 },
};
const cache = (phase: string): KubeJson => ({
  metadata: { name: 'gpu-1', uid: 'nc' },
  spec: { node: 'gpu-1', artifacts: [] },
  status: { artifacts: [{ hash, phase }] },
});
const warm = { spec: { warmth: { mode: 'Act', modelArtifactRef: { name: 'llama' } } } };

test('of a copy that failed the fleet shows why, in the words of its agent', async () => {
  const scene = new Scene().autoscaler(warm).deployment().node(nodeObject('gpu-1'));
  const failed = cache('Failed');
  const message = 'DiskFull: needs 22.9 MiB, room for 9.5 MiB';
  scene.put(scene.cluster.nodeCaches, keepNodeCache, {
    ...failed,
    status: { artifacts: [{ hash, phase: 'Failed', message }] },
  });
  const { fleet } = await scene.sensors.observe();
  expect(fleet.nodes[0]?.cache?.failures).toStrictEqual({ [hash]: message });
});

test('whether a replica started warm is what its node held when it was bound, not what it holds later', async () => {
  const scene = new Scene().autoscaler(warm).deployment();
  scene.put(scene.cluster.artifacts, keepArtifact, artifact);
  scene.put(scene.cluster.nodeCaches, keepNodeCache, cache('Downloading'));
  scene.pod(podObject({ uid: 'early' }), podObject({ uid: 'early', node: 'gpu-1' }));
  scene.put(scene.cluster.nodeCaches, keepNodeCache, cache('Ready'));
  scene.pod(podObject({ uid: 'late' }), podObject({ uid: 'late', node: 'gpu-1' }), podObject({ uid: 'unbound' }));
  expect((await scene.target()).replicas.map(({ id, startedWarm }) => [id, startedWarm])).toStrictEqual([
    ['early', false],
    ['late', true],
    ['unbound', undefined],
  ]);
});

test('of a replica that was Ready before we looked nobody can say how it started; of one that still starts the label tells', async () => {
  const scene = new Scene().autoscaler(warm).deployment();
  scene
    .put(scene.cluster.artifacts, keepArtifact, artifact)
    .node(nodeObject('gpu-1', { labels: { [`warm.forewarm.dev/${hash}`]: 'true' } }));
  scene.pod(readyPod('old'), podObject({ uid: 'starting', node: 'gpu-1' }));
  expect((await scene.target()).replicas.map(({ id, startedWarm }) => [id, startedWarm])).toStrictEqual([
    ['old', undefined],
    ['starting', true],
  ]);
});

test('an object that cannot be used leaves its pool out and says why; the others go on', async () => {
  const scene = new Scene()
    .deployment()
    .autoscaler({ name: 'good' })
    .autoscaler({ name: 'wrong', spec: { mode: 'bad' } });
  expect((await scene.sensors.observe()).pools.map(({ seen }) => seen.pool)).toStrictEqual(['team-a/good']);
  expect([...scene.sensors.problems]).toStrictEqual([
    ['team-a/wrong', { field: 'spec.bad', seen: '"bad"', allowed: 'absent' }],
  ]);
});
