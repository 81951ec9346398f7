import { epoch } from './builders.ts';
import type { KubeJson } from './kube-server.ts';

/** RFC 3339 of so many seconds after the epoch of the tests. */
export function time(seconds: number): string {
  return new Date(epoch + seconds * 1000).toISOString().replace('.000', '');
}

export interface PodShape {
  readonly uid?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly deployment?: string;
  readonly labels?: Record<string, string>;
  readonly node?: string;
  readonly phase?: string;
  readonly gpus?: number;
  readonly deleted?: number;
  readonly gates?: readonly string[];
  readonly conditions?: readonly KubeJson[];
  readonly init?: readonly KubeJson[];
  readonly containers?: readonly KubeJson[];
  readonly sidecar?: boolean;
  readonly createdAt?: number;
  readonly ports?: readonly KubeJson[];
}

/** A pod as the API server gives it, of the Deployment `chat` unless said otherwise. */
export function podObject(shape: PodShape = {}): KubeJson {
  return { metadata: podMetadata(shape), spec: podSpec(shape), status: podStatus(shape) };
}

function podMetadata({
  uid = 'u1',
  name = `chat-abc-${uid}`,
  namespace = 'team-a',
  deployment = 'chat',
  ...shape
}: PodShape): KubeJson {
  return {
    uid,
    name,
    namespace,
    resourceVersion: '1',
    creationTimestamp: time(shape.createdAt ?? 0),
    ...(shape.deleted === undefined ? {} : { deletionTimestamp: time(shape.deleted) }),
    labels: { app: deployment, 'pod-template-hash': 'abc', ...shape.labels },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${deployment}-abc`, controller: true }],
  };
}

function podSpec(shape: PodShape): KubeJson {
  const mesh = shape.sidecar === true ? [{ name: 'mesh', restartPolicy: 'Always' }] : [];
  const resources = { limits: { 'nvidia.com/gpu': String(shape.gpus ?? 1) } };
  return {
    ...(shape.node === undefined ? {} : { nodeName: shape.node }),
    ...(shape.gates === undefined ? {} : { schedulingGates: shape.gates.map((gate) => ({ name: gate })) }),
    initContainers: [{ name: 'weights' }, ...mesh],
    containers: [{ name: 'engine', resources, ports: shape.ports ?? [] }],
  };
}

function podStatus({ phase = 'Pending', conditions = [], init = [], containers = [] }: PodShape): KubeJson {
  return { phase, podIP: '10.0.0.1', conditions, initContainerStatuses: init, containerStatuses: containers };
}

export function condition(type: string, status: 'True' | 'False', at: number, reason = ''): KubeJson {
  return { type, status, reason, message: '', lastTransitionTime: time(at) };
}

/** Status of a container: `running`, `waiting` for a reason, or `terminated`. */
export function container(state: KubeJson, name = 'engine'): KubeJson {
  return { name, state };
}
export const running = (at: number): KubeJson => ({ running: { startedAt: time(at) } });
export const waiting = (reason: string): KubeJson => ({ waiting: { reason } });
export const terminated = (from: number, to: number): KubeJson => ({
  terminated: { startedAt: time(from), finishedAt: time(to), exitCode: 0 },
});

/** A pod that has been Ready since `readyAt`. */
export function readyPod(uid: string, shape: PodShape = {}): KubeJson {
  return podObject({
    uid,
    name: `chat-abc-${uid}`,
    node: 'gpu-1',
    phase: 'Running',
    conditions: [condition('PodScheduled', 'True', 1), condition('Ready', 'True', 30)],
    containers: [container(running(10))],
    ...shape,
  });
}

export function nodeObject(
  name: string,
  over: {
    readonly gpus?: number;
    readonly labels?: Record<string, string>;
    readonly spec?: KubeJson;
    readonly ready?: 'True' | 'False';
  } = {},
): KubeJson {
  return {
    metadata: { name, uid: `uid-${name}`, resourceVersion: '1', labels: over.labels ?? {} },
    spec: over.spec ?? {},
    status: {
      allocatable: { 'nvidia.com/gpu': String(over.gpus ?? 8) },
      capacity: { 'nvidia.com/gpu': '8' },
      conditions: [{ type: 'Ready', status: over.ready ?? 'True' }],
    },
  };
}

export function deploymentObject(
  over: {
    readonly name?: string;
    readonly replicas?: number;
    readonly status?: KubeJson;
    readonly podSpec?: KubeJson;
  } = {},
): KubeJson {
  const { name = 'chat', replicas = 2 } = over;
  return {
    metadata: { name, namespace: 'team-a', uid: `uid-${name}`, resourceVersion: '1' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        spec: {
          containers: [{ name: 'engine', image: 'vllm', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
          ...over.podSpec,
        },
      },
    },
    status: { replicas, updatedReplicas: replicas, ...over.status },
  };
}

export function autoscalerObject(
  over: {
    readonly name?: string;
    readonly spec?: KubeJson;
    readonly status?: KubeJson;
    readonly created?: number;
  } = {},
): KubeJson {
  const { name = 'chat' } = over;
  return {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    metadata: {
      name,
      namespace: 'team-a',
      uid: `uid-ia-${name}`,
      resourceVersion: '1',
      generation: 3,
      creationTimestamp: time(over.created ?? 0),
    },
    spec: { mode: 'Scale', targets: [{ scaleTargetRef: { name: 'chat' }, maxReplicas: 10 }], ...over.spec },
    ...(over.status === undefined ? {} : { status: over.status }),
  };
}

export function hpaObject(
  over: {
    readonly name?: string;
    readonly selector?: Record<string, string>;
    readonly metric?: string;
    readonly conditions?: readonly KubeJson[];
    readonly behavior?: KubeJson;
  } = {},
): KubeJson {
  const {
    name = 'hpa',
    metric = 'forewarm_desired_replicas',
    selector = { autoscaler: 'chat', target: 'chat' },
  } = over;
  return {
    metadata: { name, namespace: 'team-a', uid: `uid-${name}`, resourceVersion: '1' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
      metrics: [
        {
          type: 'External',
          external: {
            metric: { name: metric, selector: { matchLabels: selector } },
            target: { type: 'AverageValue', averageValue: '1' },
          },
        },
      ],
      ...(over.behavior === undefined ? {} : { behavior: over.behavior }),
    },
    status: { conditions: over.conditions ?? [] },
  };
}
