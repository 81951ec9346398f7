import { allMissing } from '../../core/model/engines/samples.ts';
import type { OtherOwner, ReplicaSeen, TargetSeen } from '../../core/model/pool.ts';
import { replicas } from '../../core/model/units.ts';
import type { ReplicaReading } from '../../ports/replica-reader.ts';
import type { AutoscalerKept, TargetRef } from './autoscaler.ts';
import type { Cluster } from './cluster.ts';
import type { PodHistory, SpecHistory } from './history.ts';
import { type Claims, targetKey } from './claims.ts';
import { follows, type HpaKept } from './hpa.ts';
import type { NodeKept } from './node.ts';
import { mayLand } from './placement.ts';
import type { PodKept } from './pod.ts';
import { isTerminal, milestonesOf, phaseOf, sinceOf } from './replica.ts';
import { selects } from './selector.ts';
import type { WorkloadKept } from './workload.ts';

export interface Looking {
  readonly cluster: Cluster;
  readonly specs: SpecHistory;
  readonly pods: PodHistory;
  /** Live pods by the key of the workload that owns them. */
  readonly owned: ReadonlyMap<string, readonly PodKept[]>;
  readonly claims: Claims;
  /** Eligible nodes by `placementKey`, filled as targets ask. */
  readonly eligible: Map<string, readonly string[]>;
  readonly readings: ReadonlyMap<string, ReplicaReading>;
}

/** One target as it stands; without its workload nothing is said of it, and nothing will be decided. */
export function targetSeen(autoscaler: AutoscalerKept, ref: TargetRef, look: Looking): TargetSeen {
  const workload = look.cluster.workload(ref.kind, `${autoscaler.namespace}/${ref.name}`);
  if (workload === undefined) {
    return { target: ref.target, specChanges: [], replicas: [], eligibleNodes: [], isRollingOut: false };
  }
  const otherOwner = otherOwnerOf(autoscaler, ref, look);
  return {
    target: ref.target,
    specReplicas: replicas(workload.specReplicas),
    statusReplicas: replicas(workload.statusReplicas),
    specChanges: look.specs.of(workload.key),
    ...(otherOwner === undefined ? {} : { otherOwner }),
    ...(workload.failure === undefined ? {} : { createFailure: workload.failure }),
    replicas: podsOf(autoscaler, workload, look).map((pod) => replicaSeen(pod, workload, autoscaler, look)),
    eligibleNodes: eligibleNodes(workload, look),
    ...(workload.drain === undefined ? {} : { drain: workload.drain }),
    readsMarks: ref.kind === 'Deployment' || ref.kind === 'ReplicaSet',
    isRollingOut: isSurging(workload),
  };
}

/** Ownership decides which pods are ours; the pool's selector, where there is one, may only narrow it. */
export function podsOf(
  autoscaler: AutoscalerKept,
  workload: WorkloadKept,
  look: Pick<Looking, 'owned' | 'cluster'>,
): readonly PodKept[] {
  const own = workload.isOwner ? (look.owned.get(workload.key) ?? []) : selectedPods(workload, look.cluster);
  const { selector } = autoscaler;
  const kept = selector === undefined ? own : own.filter((pod) => selects(selector, pod.labels));
  return [...kept].sort((a, b) => (a.uid < b.uid ? -1 : 1));
}

function selectedPods({ namespace, selector }: WorkloadKept, { pods }: Cluster): readonly PodKept[] {
  return [...pods.values()].filter(
    (pod) => pod.namespace === namespace && !isTerminal(pod) && selects(selector, pod.labels),
  );
}

/** Live pods by owner. A ReplicaSet is its Deployment's when its name is the Deployment's and the pod's own template hash. */
export function groupByOwner(pods: Iterable<PodKept>): ReadonlyMap<string, readonly PodKept[]> {
  const out = new Map<string, PodKept[]>();
  for (const pod of pods) {
    const owner = isTerminal(pod) ? undefined : ownerKey(pod);
    if (owner === undefined) continue;
    const group = out.get(owner);
    if (group === undefined) out.set(owner, [pod]);
    else group.push(pod);
  }
  return out;
}

function ownerKey(pod: PodKept): string | undefined {
  if (pod.owner === undefined) return undefined;
  const { kind, name } = pod.owner;
  const hash = pod.labels['pod-template-hash'];
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`)) {
    return `Deployment/${pod.namespace}/${name.slice(0, -hash.length - 1)}`;
  }
  return `${kind}/${pod.namespace}/${name}`;
}

function replicaSeen(pod: PodKept, workload: WorkloadKept, autoscaler: AutoscalerKept, look: Looking): ReplicaSeen {
  const facts = look.pods.of(pod);
  const phase = phaseOf(pod, facts.wasReady);
  const hash = autoscaler.artifact === undefined ? undefined : artifactHash(autoscaler, look.cluster);
  const startedWarm = hash === undefined || facts.warm === undefined ? undefined : facts.warm.includes(hash);
  return {
    id: pod.uid,
    name: pod.name,
    ...(pod.node === undefined ? {} : { node: pod.node }),
    phase,
    since: sinceOf(pod, phase),
    milestones: milestonesOf(pod, look.specs.orderOf(workload.key, pod), facts.readyAt),
    ...(startedWarm === undefined ? {} : { startedWarm }),
    ...(pod.isMarked ? { isMarked: true } : {}),
    samples: look.readings.get(pod.uid)?.samples ?? allMissing('NotScraped'),
  };
}

function artifactHash(autoscaler: AutoscalerKept, cluster: Cluster): string | undefined {
  return cluster.artifacts.get(`${autoscaler.namespace}/${autoscaler.artifact ?? ''}`)?.pinned?.hash;
}

function eligibleNodes(workload: WorkloadKept, { cluster, eligible }: Looking): readonly string[] {
  const known = eligible.get(workload.placementKey);
  if (known !== undefined) return known;
  const fitting = [...cluster.nodes.values()].filter(
    (node) => hasRoomFor(workload, node) && mayLand(workload.placement, node),
  );
  const names = fitting.map((node) => node.name).sort();
  eligible.set(workload.placementKey, names);
  return names;
}

/** A GPU node that advertises none at the moment is sick, not unsuitable. */
function hasRoomFor(workload: WorkloadKept, node: NodeKept): boolean {
  const { gpus = 0 } = workload;
  return gpus === 0 || node.gpus >= gpus || (node.isGpuNode && node.gpus === 0);
}

/** More pods than asked for while not all are of the new template. */
function isSurging(workload: WorkloadKept): boolean {
  return workload.statusReplicas > workload.specReplicas && workload.updatedReplicas < workload.statusReplicas;
}

/** An HPA on the same object, or an older autoscaler of ours. An HPA that follows us is expected in Recommend; any other writes against us. */
function otherOwnerOf(autoscaler: AutoscalerKept, ref: TargetRef, look: Looking): OtherOwner | undefined {
  const key = targetKey(autoscaler.namespace, ref);
  const elder = elderOf(autoscaler, look.claims.autoscalers.get(key) ?? []);
  if (elder !== undefined) return { ref: `InferenceAutoscaler/${elder.name}`, followsUs: false };
  const rivals = (look.claims.hpas.get(key) ?? []).map((hpa) => ownerOf(hpa, autoscaler, ref));
  return rivals.find((one) => !one.followsUs) ?? rivals[0];
}

/** Of two autoscalers that both write one target the older goes on, so that a mistake never stops both. */
function elderOf(autoscaler: AutoscalerKept, claimants: readonly AutoscalerKept[]): AutoscalerKept | undefined {
  if (autoscaler.mode !== 'Scale') return undefined;
  return claimants.find((other) => other.mode === 'Scale' && isElder(other, autoscaler));
}

function isElder(a: AutoscalerKept, b: AutoscalerKept): boolean {
  return a.createdAt === b.createdAt ? a.key < b.key : a.createdAt < b.createdAt;
}

function ownerOf(hpa: HpaKept, autoscaler: AutoscalerKept, ref: TargetRef): OtherOwner {
  return {
    ref: `HorizontalPodAutoscaler/${hpa.name}`,
    followsUs: follows(hpa, { autoscaler: autoscaler.name, target: ref.target }),
    ...(hpa.problem === undefined ? {} : { problem: hpa.problem }),
  };
}

/** HPAs on one target, outside of a pass. */
export function hpasOn(autoscaler: AutoscalerKept, ref: TargetRef, { hpas }: Cluster): readonly HpaKept[] {
  const isOn = (one: HpaKept): boolean => one.targetKind === ref.kind && one.targetName === ref.name;
  return [...hpas.values()].filter((one) => one.namespace === autoscaler.namespace && isOn(one));
}
