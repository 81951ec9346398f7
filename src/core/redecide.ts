import type { Behavior, PoolPolicy, Tunables } from './model/policy.ts';
import type { PoolId, TargetName } from './model/pool.ts';
import type { Because } from './model/reason.ts';
import type { Problem } from './model/result.ts';
import type { Instant, Replicas } from './model/units.ts';
import type { Decision } from './model/decision.ts';
import { DecisionLogReader } from './replay.ts';
import { tick } from './tick.ts';

/** What another policy would change: its tunables, and its behavior where it has one. */
export interface OtherPolicy {
  readonly tunables: Tunables;
  readonly behavior?: Behavior;
}

/** Absent replicas: nothing may be said. */
export interface Said {
  readonly replicas: Replicas | undefined;
  readonly because: readonly Because[];
}

/** One target for which the other policy decided otherwise. */
export interface Redecided {
  readonly pass: number;
  readonly at: Instant;
  readonly pool: PoolId;
  readonly target: TargetName;
  readonly recorded: Said;
  readonly other: Said;
}

export type Redecision =
  | { readonly kind: 'pass'; readonly decided: number; readonly differences: readonly Redecided[] }
  | { readonly kind: 'unreadable'; readonly line: number; readonly problem: Problem };

/**
 * Decides the passes of a log again as another policy would have, with a memory of its own that begins where the log's does. What it looks at stays what was
 * recorded: sizes are those that the recorded policy had set, so each pass says what the other would have wanted there, not where it would have led.
 */
export class Redecider {
  readonly #log = new DecisionLogReader();
  readonly #policy: OtherPolicy;

  constructor(policy: OtherPolicy) {
    this.#policy = policy;
  }

  get passes(): number {
    return this.#log.passes;
  }

  /** Undefined for a line that is no pass. */
  take(text: string): Redecision | undefined {
    const read = this.#log.take(text);
    if (read?.kind !== 'pass') return read;
    const { pass, memory, recorded } = read;
    const { input, output } = recorded;
    const pools = input.pools.map(({ seen, policy }) => ({ seen, policy: this.#changed(policy) }));
    const again = tick(memory, { ...input, pools });
    this.#log.carry(again.memory);
    const differences = output.decisions.flatMap((was) => {
      const other = again.decisions.find(({ pool, target }) => pool === was.pool && target === was.target);
      if (other === undefined || other.replicas === was.replicas) return [];
      const { pool, target } = was;
      return [{ pass, at: input.now, pool, target, recorded: saidBy(was), other: saidBy(other) }];
    });
    return { kind: 'pass', decided: output.decisions.length, differences };
  }

  #changed(policy: PoolPolicy): PoolPolicy {
    const { tunables, behavior = policy.behavior } = this.#policy;
    return { ...policy, tunables, behavior };
  }
}

function saidBy({ replicas, because }: Decision): Said {
  return { replicas, because };
}
