import { type DecisionLogPass, parseDecisionLogLine } from './replay.ts';
import type { FleetMemory } from './model/memory.ts';
import type { Behavior, PoolPolicy, Tunables } from './model/policy.ts';
import type { PoolId, TargetName } from './model/pool.ts';
import type { Because } from './model/reason.ts';
import type { Problem } from './model/result.ts';
import type { Instant, Replicas } from './model/units.ts';
import type { Decision } from './model/decision.ts';
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
  readonly #policy: OtherPolicy;
  #memory: FleetMemory | undefined = undefined;
  #line = 0;
  #passes = 0;

  constructor(policy: OtherPolicy) {
    this.#policy = policy;
  }

  /** Undefined for a line that is no pass. */
  take(text: string): Redecision | undefined {
    this.#line++;
    if (text.trim() === '') return undefined;
    const parsed = parseDecisionLogLine(text);
    if (!parsed.ok) return { kind: 'unreadable', line: this.#line, problem: parsed.problem };
    if ('schema' in parsed.value) {
      this.#memory = parsed.value.memory;
      return undefined;
    }
    return this.#pass(parsed.value);
  }

  get passes(): number {
    return this.#passes;
  }

  #pass({ input, output }: DecisionLogPass): Redecision {
    if (this.#memory === undefined) {
      const problem = { field: 'line', seen: 'a pass', allowed: 'the header of a decision log' };
      return { kind: 'unreadable', line: this.#line, problem };
    }
    this.#passes++;
    const pools = input.pools.map(({ seen, policy }) => ({ seen, policy: this.#changed(policy) }));
    const again = tick(this.#memory, { ...input, pools });
    this.#memory = again.memory;
    const differences = output.decisions.flatMap((recorded) => {
      const other = again.decisions.find(({ pool, target }) => pool === recorded.pool && target === recorded.target);
      if (other === undefined || other.replicas === recorded.replicas) return [];
      const { pool, target } = recorded;
      return [{ pass: this.#passes, at: input.now, pool, target, recorded: saidBy(recorded), other: saidBy(other) }];
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
