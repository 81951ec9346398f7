import type { ReplicaPhase } from '../core/model/pool.ts';

/** What allocated GPUs are there for: on the way to Ready (`engine` includes those that start again), Ready with or without work, or draining. */
export const gpuUses = ['image', 'weights', 'engine', 'idle', 'busy', 'draining'] as const;
export type GpuUse = (typeof gpuUses)[number];
export type GpuTime = Readonly<Record<GpuUse, number>>;

export function gpuTimeOf(read: (use: GpuUse) => number): GpuTime {
  return {
    image: read('image'),
    weights: read('weights'),
    engine: read('engine'),
    idle: read('idle'),
    busy: read('busy'),
    draining: read('draining'),
  };
}

/** Before a pod is bound its GPUs are nobody's: what is counted of those phases are nodes that are lost, and waiting to go on. */
const uses: Readonly<Record<ReplicaPhase, GpuUse>> = {
  Gated: 'image',
  Unschedulable: 'image',
  Scheduling: 'image',
  PullingImage: 'image',
  LoadingWeights: 'weights',
  StartingEngine: 'engine',
  Ready: 'idle',
  Unready: 'engine',
  CrashLooping: 'engine',
  Draining: 'draining',
};

/** Milliseconds of allocated replicas by use. */
export class GpuTally {
  readonly #ms: Record<GpuUse, number> = { image: 0, weights: 0, engine: 0, idle: 0, busy: 0, draining: 0 };

  /** A phase that lasted so long; `busyMs` of it iterations ran (of Ready only). */
  add(phase: ReplicaPhase, lastedMs: number, busyMs: number): void {
    const use = uses[phase];
    if (use !== 'idle') {
      this.#ms[use] += lastedMs;
      return;
    }
    const busy = Math.min(lastedMs, busyMs);
    this.#ms.busy += busy;
    this.#ms.idle += lastedMs - busy;
  }

  /** In hours of `gpus` GPUs. */
  hours(gpus: number): GpuTime {
    return gpuTimeOf((use) => (this.#ms[use] * gpus) / 3_600_000);
  }
}
