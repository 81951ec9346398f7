import { takeOver } from '../core/decision/safety.ts';
import type { FleetMemory } from '../core/model/memory.ts';
import type { PoolId } from '../core/model/pool.ts';
import { freshMemory } from '../core/propose.ts';
import { isForewarmError } from '../errors.ts';
import type { Clock } from '../ports/index.ts';
import type { Nudge } from './nudge.ts';
import { type Passed, pass, type PassPorts } from './pass.ts';
import type { Priming } from './priming.ts';

export interface PassesOptions extends PassPorts {
  readonly clock: Clock;
  readonly nudge: Nudge;
  /** Reads, beside the passes, the past of pools that know none. */
  readonly priming?: Pick<Priming, 'look' | 'applied'>;
  /** Whether the pool's object still exists: memory of one that cannot be used at the moment is kept. */
  readonly isKnown: (pool: PoolId) => boolean;
  readonly onPass: (passed: Passed, milliseconds: number) => void;
  readonly onFailure: (err: unknown) => void;
  /** What a pool had learnt made deciding fail again and again: it was forgotten, the pool learns anew. */
  readonly onForgotten?: (pool: PoolId) => void;
  /** Passes close together see the same samples. @default 1000 */
  readonly leastMilliseconds?: number;
}

const idleSeconds = 15;
const retryMilliseconds = 2000;

/** Turns, one after the other, until the signal; each at the cadence of the fastest pool, or earlier when something happened. */
export async function runPasses(options: PassesOptions, signal: AbortSignal): Promise<void> {
  const failures = new Map<PoolId, number>();
  let memory = takeOver(await options.memory.load(signal), options.clock.now());
  while (!signal.aborted) {
    const began = options.clock.monotonic();
    let cadence = idleSeconds * 1000;
    try {
      memory = options.priming?.applied(memory) ?? memory;
      const passed = await pass(memory, options, signal);
      memory = healed(retained(memory, passed, options.isKnown), passed, { failures, options });
      options.priming?.look(passed.input, memory);
      cadence = cadenceOf(passed);
      options.onPass(passed, options.clock.monotonic() - began);
      if (passed.failures > 0) cadence = Math.min(cadence, retryMilliseconds);
    } catch (err) {
      if (signal.aborted || isForewarmError(err, 'NOT_LEADER')) throw err;
      options.onFailure(err);
    }
    const rest = Math.max(0, cadence - (options.clock.monotonic() - began));
    await options.nudge.wait(rest, Math.min(rest, options.leastMilliseconds ?? 1000), signal);
  }
}

function cadenceOf({ input }: Passed): number {
  const seconds = input.pools.map(({ policy }) => policy.tunables.tickSeconds);
  return Math.max(1, Math.min(idleSeconds, ...seconds)) * 1000;
}

function retained(before: FleetMemory, { output }: Passed, isKnown: (pool: PoolId) => boolean): FleetMemory {
  const kept = Object.entries(before.pools).filter(
    ([pool]) => output.memory.pools[pool] === undefined && isKnown(pool),
  );
  return kept.length === 0
    ? output.memory
    : { ...output.memory, pools: { ...Object.fromEntries(kept), ...output.memory.pools } };
}

const mostFailures = 3;

interface Healing {
  readonly failures: Map<PoolId, number>;
  readonly options: PassesOptions;
}

/** Deciding holds while it fails, and memory stays as it was: if memory is the cause it would fail for ever. Learned memory may be lost, a pool may not. */
function healed(memory: FleetMemory, { output }: Passed, { failures, options }: Healing): FleetMemory {
  if (options.onForgotten === undefined) return memory;
  const pools = { ...memory.pools };
  for (const [pool, decisions] of Map.groupBy(output.decisions, (one) => one.pool)) {
    const isFailed = decisions.some(({ because }) => because[0]?.reason === 'DecisionFailed');
    const times = isFailed ? (failures.get(pool) ?? 0) + 1 : 0;
    failures.set(pool, times === mostFailures ? 0 : times);
    const kept = pools[pool];
    if (times < mostFailures || kept === undefined) continue;
    pools[pool] = { ...kept, learned: freshMemory(options.clock.now()).learned };
    options.onForgotten(pool);
  }
  return { ...memory, pools };
}
