import { flag, type Json, list, number, object, optional, text, texts, time } from './fields.ts';
import { wholeUnits } from '../../core/model/quantity.ts';
import { type Kept, versionOf } from './store.ts';

export const gpuResource = 'nvidia.com/gpu';
/** Read by the ReplicaSet controller among Ready pods: the lowest goes first. A cost that somebody else set is not ours to change. */
export const deletionCost = { name: 'controller.kubernetes.io/pod-deletion-cost', marked: '-1000' } as const;

export interface PodCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** Milliseconds of the last transition. */
  readonly at?: number;
}

export interface ContainerSeen {
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly isRunning: boolean;
  readonly isTerminated: boolean;
  /** Reason of a waiting state, as `CrashLoopBackOff`. */
  readonly waiting?: string;
}

/** What we keep of a pod: some 500 bytes of several thousand. */
export interface PodKept extends Kept {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly node?: string;
  readonly phase: string;
  readonly address?: string;
  readonly createdAt: number;
  readonly isDeleting: boolean;
  readonly deletingSince?: number;
  readonly isGated: boolean;
  /** Its deletion cost is the one that we set. */
  readonly isMarked: boolean;
  readonly gpus: number;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly conditions: Readonly<Record<string, PodCondition>>;
  readonly initContainers: readonly ContainerSeen[];
  readonly containers: readonly ContainerSeen[];
  /** Commits of models, and hashes of artifacts as node labels carry them, that its spec names anywhere: environment, arguments, affinity. */
  readonly names: readonly string[];
}

export function keepPod(raw: unknown): PodKept | undefined {
  const name = text(raw, 'metadata', 'name');
  if (name === undefined) return undefined;
  return {
    ...identityOf(raw, name),
    ...optional('node', text(raw, 'spec', 'nodeName')),
    ...optional('address', text(raw, 'status', 'podIP')),
    phase: text(raw, 'status', 'phase') ?? 'Pending',
    isMarked: text(raw, 'metadata', 'annotations', deletionCost.name) === deletionCost.marked,
    isGated: list(raw, 'spec', 'schedulingGates').length > 0,
    gpus: gpusOf(object(raw, 'spec')),
    ports: portsOf(raw),
    conditions: conditionsOf(raw),
    initContainers: initContainersOf(raw),
    containers: list(raw, 'status', 'containerStatuses').map(containerSeen),
    names: namesIn(object(raw, 'spec')),
  };
}

function namesIn(spec: Json): readonly string[] {
  const found = JSON.stringify(spec).matchAll(/\bwarm\.forewarm\.dev\/([0-9a-f]{12})\b|\b([0-9a-f]{40})\b/g);
  return [...new Set([...found].map(([, hash, commit]) => hash ?? commit ?? ''))];
}

type Identity =
  | 'key'
  | 'uid'
  | 'resourceVersion'
  | 'namespace'
  | 'name'
  | 'labels'
  | 'owner'
  | 'createdAt'
  | 'isDeleting'
  | 'deletingSince';

function identityOf(raw: unknown, name: string): Pick<PodKept, Identity> {
  const deletingSince = time(raw, 'metadata', 'deletionTimestamp');
  const owner = list(raw, 'metadata', 'ownerReferences').find((one) => flag(one, 'controller'));
  return {
    ...versionOf(raw),
    namespace: text(raw, 'metadata', 'namespace') ?? '',
    name,
    labels: texts(raw, 'metadata', 'labels'),
    ...(owner === undefined ? {} : { owner: { kind: text(owner, 'kind') ?? '', name: text(owner, 'name') ?? '' } }),
    createdAt: time(raw, 'metadata', 'creationTimestamp') ?? 0,
    isDeleting: deletingSince !== undefined,
    ...optional('deletingSince', deletingSince),
  };
}

/** GPUs that a pod spec takes on its node: the larger of its containers together and its largest init container. */
export function gpusOf(spec: Json): number {
  const asked = (container: unknown): number =>
    wholeUnits(
      object(container, 'resources', 'requests')[gpuResource] ?? object(container, 'resources', 'limits')[gpuResource],
    );
  const together = list(spec, 'containers').reduce<number>((sum, one) => sum + asked(one), 0);
  return Math.max(together, ...list(spec, 'initContainers').map(asked));
}

function portsOf(raw: unknown): PodKept['ports'] {
  const all = list(raw, 'spec', 'containers').flatMap((container) => list(container, 'ports'));
  return all.flatMap((one) => {
    const port = number(one, 'containerPort');
    return port === undefined ? [] : [{ name: text(one, 'name') ?? '', port }];
  });
}

function conditionsOf(raw: unknown): PodKept['conditions'] {
  const out: Record<string, PodCondition> = {};
  for (const one of list(raw, 'status', 'conditions')) {
    const at = time(one, 'lastTransitionTime');
    out[text(one, 'type') ?? ''] = {
      status: text(one, 'status') ?? 'Unknown',
      reason: text(one, 'reason') ?? '',
      message: text(one, 'message') ?? '',
      ...(at === undefined ? {} : { at }),
    };
  }
  return out;
}

/** Sidecars (init containers that always restart) never end and mark no phase. */
function initContainersOf(raw: unknown): readonly ContainerSeen[] {
  const sidecars = new Set(
    list(raw, 'spec', 'initContainers').flatMap((one) =>
      text(one, 'restartPolicy') === 'Always' ? [text(one, 'name')] : [],
    ),
  );
  return list(raw, 'status', 'initContainerStatuses')
    .filter((one) => !sidecars.has(text(one, 'name')))
    .map(containerSeen);
}

function containerSeen(status: unknown): ContainerSeen {
  const state = object(status, 'state');
  const startedAt = time(state, 'running', 'startedAt') ?? time(state, 'terminated', 'startedAt');
  const finishedAt = time(state, 'terminated', 'finishedAt');
  const waiting = text(state, 'waiting', 'reason');
  return {
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    isRunning: state['running'] !== undefined,
    isTerminated: state['terminated'] !== undefined,
    ...(waiting === undefined ? {} : { waiting }),
  };
}
