import type { NodeName, ReplicaMilestones, ReplicaPhase } from '../core/model/pool.ts';
import { instant } from '../core/model/units.ts';
import type { Cancel } from './agenda.ts';
import type { GpuTally } from './gpu-time.ts';
import type { SimNode } from './node.ts';
import type { Replica } from './replica.ts';
import type { StartDraw } from './start-phases.ts';

type Mark = 'orderedAt' | 'createdAt' | 'scheduledAt' | 'imageAt' | 'weightsAt' | 'readyAt';

/** One replica of the simulated target with its life so far. */
export class SimPod {
  readonly ordinal: number;
  readonly id: string;
  readonly name: string;
  phase: ReplicaPhase = 'Scheduling';
  sinceMs: number;
  node: SimNode | undefined = undefined;
  usesNodeCache = false;
  startedWarm: boolean | undefined = undefined;
  engine: Replica | undefined = undefined;
  readySinceMs = -1;
  boundMs = -1;
  deletionCost = 0;
  /** How long its start takes; absent: Ready from the beginning. */
  draw: StartDraw | undefined = undefined;
  restarts = 0;
  /** It wakes an engine that slept on its node, and this is how long that takes. */
  wakeMs: number | undefined = undefined;
  /** Takes the next step of its life off the agenda. */
  cancel: Cancel = () => undefined;
  /** Unschedulable: asks the scheduler again. */
  retry: ((atMs: number) => void) | undefined = undefined;
  readonly #tally: GpuTally;
  readonly #endMs: number;
  /** Of an engine that is gone, while the phase that it was in goes on. */
  #stoppedBusyMs = 0;
  #countedMs = -1;
  #milestones: ReplicaMilestones;

  /** `tally` takes the time of its GPUs until `endMs`. */
  constructor(
    ordinal: number,
    createdMs: number,
    { tally, endMs }: { readonly tally: GpuTally; readonly endMs: number },
  ) {
    const padded = `${ordinal}`.padStart(6, '0');
    this.ordinal = ordinal;
    this.id = `uid-${padded}`;
    this.name = `server-${padded}`;
    this.sinceMs = createdMs;
    this.#tally = tally;
    this.#endMs = endMs;
    this.#milestones = { orderedAt: instant(createdMs), createdAt: instant(createdMs) };
  }

  get milestones(): ReplicaMilestones {
    return this.#milestones;
  }

  get nodeName(): NodeName | undefined {
    return this.node?.name;
  }

  get isTerminating(): boolean {
    return this.phase === 'Draining';
  }

  enter(phase: ReplicaPhase, atMs: number, mark?: Mark): void {
    this.count(atMs);
    this.phase = phase;
    this.sinceMs = atMs;
    if (mark !== undefined) this.#milestones = { ...this.#milestones, [mark]: instant(atMs) };
  }

  /** Takes the engine away where it stands. */
  takeEngine(nowMs: number): Replica | undefined {
    const { engine } = this;
    if (engine === undefined) return undefined;
    engine.advance(nowMs);
    this.#stoppedBusyMs = engine.busyMs(nowMs);
    this.engine = undefined;
    return engine;
  }

  /** Puts the time of its GPUs since the phase began, or was counted last, on the tally: at its end, at the pod's, and at the workload's. */
  count(atMs: number): void {
    const from = Math.max(this.#countedMs, this.boundMs);
    const until = Math.min(atMs, this.#endMs);
    if (this.boundMs >= 0 && until > from) this.#tally.add(this.phase, until - from, this.#busyMs(until));
    this.#countedMs = until;
    this.#stoppedBusyMs = 0;
  }

  /** While Ready: its engine was made when that began. */
  #busyMs(nowMs: number): number {
    return this.phase === 'Ready' ? (this.engine?.busyMs(nowMs) ?? this.#stoppedBusyMs) : 0;
  }
}
