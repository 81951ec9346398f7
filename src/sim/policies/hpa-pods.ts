import type { ReplicaPhase } from '../../core/model/pool.ts';
import { isWithin, type Tolerance } from './hpa-tolerance.ts';

/** A pod as the HPA groups it for a Pods metric; readiness does not count, only whether it still is Pending. */
export interface PodOfMetric {
  readonly state: 'Running' | 'Pending' | 'Ignored';
  /** Thousandths; absent: no sample. */
  readonly milli?: bigint;
}

/** Terminating pods are ignored; until its first container runs (image, then the init container that waits for weights) a pod is Pending. */
export function podState(phase: ReplicaPhase): PodOfMetric['state'] {
  switch (phase) {
    case 'Draining':
      return 'Ignored';
    case 'Scheduling':
    case 'Gated':
    case 'Unschedulable':
    case 'PullingImage':
    case 'LoadingWeights':
      return 'Pending';
    case 'StartingEngine':
    case 'Ready':
    case 'Unready':
    case 'CrashLooping':
      return 'Running';
  }
}

export interface PodsQuestion {
  readonly pods: readonly PodOfMetric[];
  readonly targetMilli: bigint;
  readonly spec: number;
}

/**
 * Replicas that a Pods metric asks for; `undefined`: no sample of a running pod. Missing samples damp: they count as the target on the way down
 * and as 0 on the way up, and so do Pending pods on the way up. A change that this turns around, or brings into the tolerance, is not made.
 */
export function podsReplicas({ pods, targetMilli, spec }: PodsQuestion, tolerance: Tolerance): number | undefined {
  const running = pods.filter(({ state }) => state === 'Running');
  const samples = running.flatMap(({ milli }) => milli ?? []);
  if (samples.length === 0) return undefined;
  const missing = running.length - samples.length;
  const pending = pods.filter(({ state }) => state === 'Pending').length;
  const ratio = ratioOf(samples, targetMilli);
  if (missing === 0 && (pending === 0 || ratio <= 1)) {
    return isWithin(ratio, tolerance) ? spec : Math.ceil(ratio * samples.length);
  }
  const refilled = [...samples, ...refill(ratio, { missing, pending, targetMilli })];
  const again = ratioOf(refilled, targetMilli);
  const wanted = Math.ceil(again * refilled.length);
  if (isWithin(again, tolerance) || again > 1 !== ratio > 1) return spec;
  return again > 1 ? Math.max(spec, wanted) : Math.min(spec, wanted);
}

interface Gaps {
  readonly missing: number;
  readonly pending: number;
  readonly targetMilli: bigint;
}

function refill(ratio: number, { missing, pending, targetMilli }: Gaps): readonly bigint[] {
  if (ratio === 1) return [];
  return ratio < 1 ? copies(missing, targetMilli) : copies(missing + pending, 0n);
}

/** The mean is an integer division, as upstream's. */
function ratioOf(samples: readonly bigint[], targetMilli: bigint): number {
  const sum = samples.reduce((total, milli) => total + milli, 0n);
  return Number(sum / BigInt(samples.length)) / Number(targetMilli);
}

function copies(n: number, milli: bigint): readonly bigint[] {
  return Array.from({ length: n }, () => milli);
}
