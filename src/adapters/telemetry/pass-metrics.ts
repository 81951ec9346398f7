import type { Mode } from '../../core/model/policy.ts';
import type { ReplicaMilestones, ReplicaSeen, TargetSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import type { Publisher, TickInput, TickOutput } from '../../ports/index.ts';
import type { Telemetry } from '../../ports/telemetry.ts';

const perPool = ['forewarm_decisions_total', 'forewarm_not_followed'] as const;
const perTarget = ['forewarm_desired_replicas', 'forewarm_would_replicas', 'forewarm_replicas'] as const;

/** What a pass saw and decided, as metrics; series of pools and targets that are gone end. */
export class PassMetrics implements Publisher {
  readonly #telemetry: Telemetry;
  readonly #since: Instant;
  #counted: ReadonlySet<string> = new Set();
  #targets: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  /** `since`: lead times of replicas that were Ready before then belong to an earlier process. */
  constructor(telemetry: Telemetry, since: Instant) {
    this.#telemetry = telemetry;
    this.#since = since;
  }

  publish(output: TickOutput, input: TickInput): Promise<void> {
    this.#forgetGone(input);
    this.#countLeadTimes(input);
    const modes = new Map(input.pools.map(({ seen, policy }) => [seen.pool, policy.mode]));
    for (const { pool, target, replicas, because } of output.decisions) {
      this.#telemetry.count('forewarm_decisions_total', { pool, reason: because[0]?.reason ?? 'DemandMet' });
      this.#setDecision(modes.get(pool) ?? 'Observe', { pool, target }, replicas);
    }
    for (const { seen } of input.pools) for (const target of seen.targets) this.#setPhases(seen.pool, target);
    return Promise.resolve();
  }

  /** A decision that says nothing has no number. */
  #setDecision(mode: Mode, labels: { readonly pool: string; readonly target: string }, replicas?: number): void {
    const [shown, hidden] =
      mode === 'Observe'
        ? (['forewarm_would_replicas', 'forewarm_desired_replicas'] as const)
        : (['forewarm_desired_replicas', 'forewarm_would_replicas'] as const);
    this.#telemetry.forget(hidden, labels);
    if (replicas === undefined) this.#telemetry.forget(shown, labels);
    else this.#telemetry.set(shown, replicas, labels);
  }

  #setPhases(pool: string, { target, replicas }: TargetSeen): void {
    this.#telemetry.forget('forewarm_replicas', { pool, target });
    for (const [phase, there] of Map.groupBy(replicas, (replica) => replica.phase)) {
      this.#telemetry.set('forewarm_replicas', there.length, { pool, target, phase });
    }
  }

  #forgetGone(input: TickInput): void {
    const now = new Map(input.pools.map(({ seen }) => [seen.pool, new Set(seen.targets.map((one) => one.target))]));
    for (const [pool, targets] of this.#targets) {
      if (!now.has(pool)) for (const metric of perPool) this.#telemetry.forget(metric, { pool });
      for (const target of targets) {
        if (now.get(pool)?.has(target)) continue;
        for (const metric of perTarget) this.#telemetry.forget(metric, { pool, target });
      }
    }
    this.#targets = now;
  }

  #countLeadTimes(input: TickInput): void {
    const ready = input.pools
      .flatMap(({ seen }) => seen.targets.flatMap(({ replicas }) => replicas))
      .filter(({ milestones }) => (milestones.readyAt ?? 0) >= this.#since);
    for (const replica of ready) if (!this.#counted.has(replica.id)) this.#countLeadTime(replica);
    this.#counted = new Set(ready.map((replica) => replica.id));
  }

  #countLeadTime({ milestones, startedWarm }: ReplicaSeen): void {
    const warmth = startedWarm === undefined ? 'unknown' : startedWarm ? 'warm' : 'cold';
    for (const [phase, seconds] of Object.entries(phaseSeconds(milestones))) {
      if (seconds >= 0) this.#telemetry.observe('forewarm_lead_time_seconds', seconds, { warmth, phase });
    }
  }
}

/** Seconds by phase; NaN where a mark is missing. */
function phaseSeconds({ orderedAt, createdAt, scheduledAt, imageAt, weightsAt, readyAt }: ReplicaMilestones) {
  const between = (from: number = NaN, to: number = NaN): number => (to - from) / 1000;
  return {
    schedule: between(createdAt, scheduledAt),
    image: between(scheduledAt, imageAt),
    weights: between(imageAt, weightsAt),
    engine: between(weightsAt ?? imageAt, readyAt),
    total: between(orderedAt ?? createdAt, readyAt),
  };
}
