import type { LearnedMemory, PoolMemory, SafetyMemory, TargetSafety } from './model/memory.ts';
import { instant, type Instant } from './model/units.ts';

/**
 * Memory in the time of a clock that was set back (or of a takeover by a machine whose clock is behind): every time in it moves by as much, as if
 * no time had passed since the last look. Left as it is, windows would not end, rates would stay used up and no reading would be newer than the
 * last one until the old time came round again.
 */
export function afterSetBack(memory: PoolMemory, now: Instant): PoolMemory {
  const ahead = newest(memory) - now;
  if (ahead <= 0) return memory;
  const back = (at: Instant): Instant => instant(at - ahead);
  return { safety: safetyBack(memory.safety, back), learned: learnedBack(memory.learned, back) };
}

type Back = (at: Instant) => Instant;

/** The time of the last look, as far as memory tells. */
function newest({ safety, learned }: PoolMemory): number {
  let at: number = Math.max(safety.since, learned.demand.at(-1)?.at ?? 0);
  for (const { lastDecision, blindSince } of Object.values(safety.targets))
    at = Math.max(at, lastDecision?.at ?? 0, blindSince ?? 0);
  return at;
}

function safetyBack({ since, targets }: SafetyMemory, back: Back): SafetyMemory {
  const moved = Object.entries(targets).map(([name, target]) => [name, targetBack(target, back)]);
  return { since: back(since), targets: Object.fromEntries(moved) };
}

function targetBack(target: TargetSafety, back: Back): TargetSafety {
  const { lastDecision, blindSince, conflictSince, foreignWrites, unseenWrites, zeroedAt, draining } = target;
  return {
    raw: eachBack(target.raw, back),
    specChanges: eachBack(target.specChanges, back),
    ...(lastDecision === undefined ? {} : { lastDecision: { ...lastDecision, at: back(lastDecision.at) } }),
    ...(blindSince === undefined ? {} : { blindSince: back(blindSince) }),
    ...(conflictSince === undefined ? {} : { conflictSince: back(conflictSince) }),
    ...(foreignWrites === undefined ? {} : { foreignWrites: foreignWrites.map(back) }),
    ...(unseenWrites === undefined ? {} : { unseenWrites: eachBack(unseenWrites, back) }),
    ...(zeroedAt === undefined ? {} : { zeroedAt: back(zeroedAt) }),
    ...(draining === undefined ? {} : { draining: { ...draining, at: back(draining.at) } }),
  };
}

/** Lead-time sketches stay: the fading of a day does not notice. */
function learnedBack(learned: LearnedMemory, back: Back): LearnedMemory {
  const { gateway, queue, ceiling, saturation, decode } = learned;
  const baselines = Object.entries(learned.baselines).map(([id, { stuckSince, ...baseline }]) => [
    id,
    { ...baseline, at: back(baseline.at), ...(stuckSince === undefined ? {} : { stuckSince: back(stuckSince) }) },
  ]);
  return {
    ...learned,
    baselines: Object.fromEntries(baselines),
    demand: eachBack(learned.demand, back),
    pending: learned.pending.map((made) => ({ ...made, at: back(made.at), due: back(made.due) })),
    ...(gateway === undefined ? {} : { gateway: { ...gateway, at: back(gateway.at) } }),
    ...(queue === undefined ? {} : { queue: { ...queue, since: back(queue.since) } }),
    ...(ceiling === undefined ? {} : { ceiling: { ...ceiling, at: back(ceiling.at) } }),
    ...(saturation === undefined ? {} : { saturation: { ...saturation, at: back(saturation.at) } }),
    ...(decode === undefined ? {} : { decode: learnedBack(decode, back) }),
  };
}

function eachBack<T extends { readonly at: Instant }>(list: readonly T[], back: Back): readonly T[] {
  return list.map((one) => ({ ...one, at: back(one.at) }));
}
