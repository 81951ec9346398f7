import { expect, test } from 'vitest';
import { keepPod, type PodKept } from '../../../src/adapters/kube/pod.ts';
import { hasLostReadiness, isTerminal, milestonesOf, phaseOf, sinceOf } from '../../../src/adapters/kube/replica.ts';
import type { ReplicaPhase } from '../../../src/core/model/pool.ts';
import { at } from '../../support/builders.ts';
import {
  condition,
  container,
  podObject,
  type PodShape,
  readyPod,
  running,
  terminated,
  waiting,
} from '../../support/kube-objects.ts';
import type { KubeJson } from '../../support/kube-server.ts';

function kept(object: KubeJson): PodKept {
  const pod = keepPod(object);
  if (pod === undefined) throw new TypeError('the pod was not kept');
  return pod;
}

const scheduled = condition('PodScheduled', 'True', 1);
const notReady = condition('Ready', 'False', 1);
const bound: PodShape = { node: 'gpu-1', conditions: [scheduled, notReady] };

const phases: Readonly<
  Record<
    string,
    { readonly pod: PodShape; readonly wasReady?: boolean; readonly phase: ReplicaPhase; readonly since?: number }
  >
> = {
  'just made': { pod: {}, phase: 'Scheduling', since: 0 },
  'held by a gate': { pod: { gates: ['kueue.x-k8s.io/admission'] }, phase: 'Gated' },
  'held by a gate, as the scheduler says it': {
    pod: { conditions: [condition('PodScheduled', 'False', 2, 'SchedulingGated')] },
    phase: 'Gated',
  },
  'without room on any node': {
    pod: { conditions: [condition('PodScheduled', 'False', 3, 'Unschedulable')] },
    phase: 'Unschedulable',
    since: 3,
  },
  'bound, nothing started': { pod: bound, phase: 'PullingImage', since: 1 },
  'bound, its image cannot be pulled': {
    pod: { ...bound, containers: [container(waiting('ImagePullBackOff'))] },
    phase: 'PullingImage',
  },
  'waiting for its weights': {
    pod: { ...bound, init: [container(running(5), 'weights')] },
    phase: 'LoadingWeights',
    since: 5,
  },
  'weights there, engine image missing': {
    pod: {
      ...bound,
      init: [container(terminated(5, 20), 'weights')],
      containers: [container(waiting('PodInitializing'))],
    },
    phase: 'PullingImage',
  },
  'a sidecar that runs for ever is no loading': {
    pod: {
      ...bound,
      sidecar: true,
      init: [container(terminated(5, 20), 'weights'), container(running(6), 'mesh')],
      containers: [container(running(21))],
    },
    phase: 'StartingEngine',
    since: 21,
  },
  'starting its engine': {
    pod: { ...bound, phase: 'Running', containers: [container(running(9))] },
    phase: 'StartingEngine',
    since: 9,
  },
  ready: {
    pod: {
      ...bound,
      phase: 'Running',
      conditions: [scheduled, condition('Ready', 'True', 40)],
      containers: [container(running(9))],
    },
    phase: 'Ready',
    since: 40,
  },
  'unready under load': {
    pod: {
      ...bound,
      phase: 'Running',
      conditions: [scheduled, condition('Ready', 'False', 90)],
      containers: [container(running(9))],
    },
    wasReady: true,
    phase: 'Unready',
    since: 90,
  },
  'crashing again and again': {
    pod: { ...bound, phase: 'Running', containers: [container(waiting('CrashLoopBackOff'))] },
    phase: 'CrashLooping',
  },
  'crashing again after it had been ready': {
    pod: { ...bound, phase: 'Running', containers: [container(waiting('CrashLoopBackOff'))] },
    wasReady: true,
    phase: 'CrashLooping',
  },
  'leaving, though ready': {
    pod: { ...bound, deleted: 50, phase: 'Running', conditions: [condition('Ready', 'True', 40)] },
    phase: 'Draining',
    since: 50,
  },
};
for (const [name, { pod, wasReady = false, phase }] of Object.entries(phases)) {
  test(`a pod that is ${name}: ${phase}`, () => {
    const one = kept(podObject(pod));
    expect(phaseOf(one, wasReady)).toBe(phase);
  });
}

for (const [name, { pod, phase, since }] of Object.entries(phases)) {
  if (since === undefined) continue;
  test(`a pod that is ${name} is so since its own time`, () =>
    expect(sinceOf(kept(podObject(pod)), phase)).toBe(at(since)));
}

test('evicted and finished pods count as nothing', () => {
  expect(
    ['Failed', 'Succeeded', 'Running', 'Pending'].filter((phase) => isTerminal(kept(podObject({ phase })))),
  ).toStrictEqual(['Failed', 'Succeeded']);
});

test('a replica that lost readiness is told from one that starts, by their own times', () => {
  const starting = { ...bound, phase: 'Running', containers: [container(running(9))] };
  expect(hasLostReadiness(kept(podObject(starting)))).toBe(false);
  const overloaded = { ...starting, conditions: [scheduled, condition('Ready', 'False', 90)] };
  expect(hasLostReadiness(kept(podObject(overloaded)))).toBe(true);
  const restarted = { ...overloaded, containers: [container(running(120))] };
  expect(hasLostReadiness(kept(podObject(restarted)))).toBe(false);
});

test('milestones come from the pod’s own times', () => {
  const pod = kept(
    readyPod('u1', { init: [container(terminated(5, 25), 'weights')], containers: [container(running(26))] }),
  );
  expect(milestonesOf(pod, at(-1), at(30))).toStrictEqual({
    orderedAt: at(-1),
    createdAt: at(0),
    scheduledAt: at(1),
    imageAt: at(5),
    weightsAt: at(25),
    readyAt: at(30),
  });
  expect(milestonesOf(kept(podObject()), undefined, undefined)).toStrictEqual({ createdAt: at(0) });
});

test('GPUs are the larger of all containers together and the largest init container', () => {
  const ask = (gpus: string): KubeJson => ({ resources: { limits: { 'nvidia.com/gpu': gpus } } });
  const pod = podObject();
  const spec = { containers: [ask('2'), ask('1'), {}], initContainers: [ask('4')] };
  expect(keepPod({ ...pod, spec })?.gpus).toBe(4);
  expect(keepPod({ ...pod, spec: { containers: [ask('2'), ask('3')] } })?.gpus).toBe(5);
});

test('what is no pod is not kept, and garbage inside one does not throw', () => {
  expect([undefined, 7, [], {}].map((raw) => keepPod(raw))).toStrictEqual([undefined, undefined, undefined, undefined]);
  expect(
    keepPod({
      metadata: { name: 'a', labels: [1], ownerReferences: 'x' },
      spec: { containers: [null, 4] },
      status: { conditions: {}, containerStatuses: [3] },
    }),
  ).toMatchObject({ name: 'a', gpus: 0 });
});
