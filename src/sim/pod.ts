import type { NodeName, ReplicaMilestones, ReplicaPhase } from '../core/model/pool.ts';
import { instant } from '../core/model/units.ts';
import type { Cancel } from './agenda.ts';
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
  #milestones: ReplicaMilestones;

  constructor(ordinal: number, createdMs: number) {
    const padded = `${ordinal}`.padStart(6, '0');
    this.ordinal = ordinal;
    this.id = `uid-${padded}`;
    this.name = `server-${padded}`;
    this.sinceMs = createdMs;
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
    this.phase = phase;
    this.sinceMs = atMs;
    if (mark !== undefined) this.#milestones = { ...this.#milestones, [mark]: instant(atMs) };
  }
}
