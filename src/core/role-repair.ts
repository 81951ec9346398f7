import type { Recommendation, TargetRecommendation } from './model/decision.ts';
import type { PoolPolicy, TargetPolicy } from './model/policy.ts';
import type { Because } from './model/reason.ts';
import { replicas } from './model/units.ts';

type Targets = Recommendation['targets'];
type Half = NonNullable<TargetPolicy['role']>;

/**
 * Makes sizes of two halves that were found apart fit together, and only by raising: what a half needs by itself it keeps. Where no whole number of
 * prefill replicas lies inside the bounds, the lower one holds.
 */
export function repaired(
  targets: Targets,
  { prefillPerDecode: bounds = {}, targets: policies }: Pick<PoolPolicy, 'targets' | 'prefillPerDecode'>,
): Targets {
  const both = zeroTogether(targets);
  const [prefill, decode] = [sizeOf('Prefill', both, policies), sizeOf('Decode', both, policies)];
  if (prefill === undefined || decode === undefined) return both;
  const { min = 0, max = Infinity } = bounds;
  const decoding = raised(both, {
    by: enoughDecode(prefill, decode, { min, max }) - decode,
    names: namesOf('Decode', policies),
    why: `at most ${max} prefill replicas, of which there are ${prefill}, for each that decodes`,
  });
  const decodes = sizeOf('Decode', decoding, policies) ?? decode;
  return raised(decoding, {
    by: whole(min * decodes) - prefill,
    names: namesOf('Prefill', policies),
    why: `at least ${min} prefill replicas for each of ${decodes} that decode`,
  });
}

/** The fewest that so many prefill replicas are not too many for: as many as the lower bound asks for never are. */
function enoughDecode(
  prefill: number,
  decode: number,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const almost = Math.max(decode, whole((prefill - 1) / max));
  return prefill <= Math.max(max * almost, whole(min * almost)) ? almost : Math.max(decode, whole(prefill / max));
}

/** One half without the other serves nobody: while one of them is wanted, each target that wants none is to have one. */
function zeroTogether(targets: Targets): Targets {
  const isWanted = targets.some(({ wanted = 0 }) => wanted > 0);
  return targets.map((target) => {
    if (!isWanted || target.wanted !== 0) return target;
    return withSize(target, 1, { reason: 'RolesTogether', message: 'prefill and decode go to zero together' });
  });
}

function namesOf(half: Half, policies: PoolPolicy['targets']): readonly string[] {
  return policies.filter(({ role }) => role === half).map(({ target }) => target);
}

/** Replicas that the half may have of those that it wants; nothing where one of its targets is not known. */
function sizeOf(half: Half, targets: Targets, policies: PoolPolicy['targets']): number | undefined {
  const own = targets.filter(({ target }) => namesOf(half, policies).includes(target));
  if (own.some(({ wanted }) => wanted === undefined)) return undefined;
  return own.reduce((sum, target) => sum + allowed(target, Number(target.wanted)), 0);
}

function allowed({ minReplicas, maxReplicas }: TargetRecommendation, size: number): number {
  return Math.max(minReplicas, Math.min(maxReplicas, size));
}

interface Raise {
  readonly by: number;
  readonly names: readonly string[];
  readonly why: string;
}

/** The first of the half's targets takes what its maximum allows, the next the rest. */
function raised(targets: Targets, { by, names, why }: Raise): Targets {
  let left = by;
  return targets.map((target) => {
    if (!names.includes(target.target) || left <= 0) return target;
    const from = allowed(target, Number(target.wanted));
    const size = Math.min(target.maxReplicas, from + left);
    left -= size - from;
    return size === from ? target : withSize(target, size, { reason: 'RolesTogether', message: `${size}: ${why}` });
  });
}

function withSize(target: TargetRecommendation, size: number, why: Because): TargetRecommendation {
  return { ...target, wanted: replicas(size), because: [why, ...target.because] };
}

/** Rounded up, but for what multiplying left behind the ninth digit. */
function whole(n: number): number {
  return Math.ceil(n - 1e-9 * Math.max(1, n));
}
