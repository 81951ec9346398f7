import type { PoolSeen, ReplicaPhase, ReplicaSeen } from '../core/model/pool.ts';
import type { PoolReport } from '../core/model/report.ts';
import type { Sample } from '../core/model/sample.ts';
import type { PolicyAnswer } from '../sim/policies/policy.ts';
import type { SimProgress, SimTick } from '../sim/simulation.ts';

/** What a person watches, taken from what the policy itself saw: readings may be missing, and then there is no number. */
export interface LiveState {
  readonly progress: SimProgress;
  /** Requests per second since the state before. */
  readonly arrivalRate: number;
  readonly phases: Readonly<Partial<Record<ReplicaPhase, number>>>;
  readonly wanted: number | undefined;
  readonly waiting: number | undefined;
  readonly running: number | undefined;
  readonly kvUse: number | undefined;
  readonly nodes: number;
  readonly warmNodes: number;
  readonly report: PoolReport | undefined;
  readonly lastChange:
    | { readonly seconds: number; readonly from: number; readonly to: number; readonly because: string }
    | undefined;
}

export function liveState({ view, progress }: SimTick, answer: PolicyAnswer, before: LiveState | undefined): LiveState {
  const replicas = view.seen.targets.flatMap((target) => target.replicas);
  const ready = replicas.filter((replica) => replica.phase === 'Ready');
  return {
    progress,
    arrivalRate: arrivalRate(progress, before),
    phases: countPhases(replicas),
    wanted: answer.replicas ?? view.seen.targets[0]?.specReplicas,
    waiting: sum(ready, ({ samples }) => samples.waiting),
    running: sum(ready, ({ samples }) => samples.running),
    kvUse: mean(ready, ({ samples }) => samples.kvUse),
    nodes: view.fleet.nodes.length,
    warmNodes: view.fleet.nodes.filter(({ cache }) => Object.values(cache?.phases ?? {}).includes('Ready')).length,
    report: answer.report,
    lastChange: changeOf(view.seen, progress, answer) ?? before?.lastChange,
  };
}

function arrivalRate(now: SimProgress, before: LiveState | undefined): number {
  const { seconds, arrivals } = before?.progress ?? { seconds: 0, arrivals: 0 };
  return now.seconds > seconds ? (now.arrivals - arrivals) / (now.seconds - seconds) : (before?.arrivalRate ?? 0);
}

function changeOf(seen: PoolSeen, { seconds }: SimProgress, answer: PolicyAnswer): LiveState['lastChange'] {
  const from = seen.targets[0]?.specReplicas;
  if (from === undefined || answer.replicas === undefined || answer.replicas === from) return undefined;
  return { seconds, from, to: answer.replicas, because: answer.because };
}

function countPhases(replicas: readonly ReplicaSeen[]): Partial<Record<ReplicaPhase, number>> {
  const counts: Partial<Record<ReplicaPhase, number>> = {};
  for (const { phase } of replicas) counts[phase] = (counts[phase] ?? 0) + 1;
  return counts;
}

function known(replicas: readonly ReplicaSeen[], of: (replica: ReplicaSeen) => Sample): readonly number[] {
  return replicas.map(of).flatMap((sample) => (sample.kind === 'value' ? [sample.value] : []));
}

/** `undefined` when not one replica was read. */
function sum(replicas: readonly ReplicaSeen[], of: (replica: ReplicaSeen) => Sample): number | undefined {
  const values = known(replicas, of);
  return values.length === 0 ? undefined : values.reduce((total, one) => total + one, 0);
}

function mean(replicas: readonly ReplicaSeen[], of: (replica: ReplicaSeen) => Sample): number | undefined {
  const values = known(replicas, of);
  return values.length === 0 ? undefined : values.reduce((total, one) => total + one, 0) / values.length;
}
