import type { RawRecommendation } from '../model/memory.ts';
import type { SpecChange } from '../model/pool.ts';
import type { Behavior, ScalingRules } from '../model/policy.ts';
import type { Instant } from '../model/units.ts';

/** What held a size back, in the HPA's own words. */
export type HeldBy =
  | 'ScaleUpStabilized'
  | 'ScaleDownStabilized'
  | 'ScaleUpLimit'
  | 'ScaleDownLimit'
  | 'TooFewReplicas'
  | 'TooManyReplicas';
export interface Held {
  readonly replicas: number;
  /** Absent: nothing held it. */
  readonly by?: HeldBy;
}

export interface Windowed {
  readonly current: number;
  readonly desired: number;
  /** Raw recommendations, this one included or not. */
  readonly history: readonly RawRecommendation[];
  readonly now: Instant;
}

/**
 * Both stabilisation windows of HPA v2 over raw recommendations: never above the lowest of the up window, never below the highest of the down
 * window, and no move unless the whole window agrees. A recommendation exactly as old as the window has left it.
 */
export function stabilise({ current, desired, history, now }: Windowed, behavior: Behavior): Held {
  const upFrom = now - behavior.scaleUp.stabilizationWindowSeconds * 1000;
  const downFrom = now - behavior.scaleDown.stabilizationWindowSeconds * 1000;
  let up = desired;
  let down = desired;
  for (const { at, replicas } of history) {
    if (at > upFrom) up = Math.min(up, replicas);
    if (at > downFrom) down = Math.max(down, replicas);
  }
  const stable = Math.min(Math.max(current, up), down);
  if (stable === desired) return { replicas: stable };
  return { replicas: stable, by: desired >= current ? 'ScaleUpStabilized' : 'ScaleDownStabilized' };
}

export interface Rated {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Observed changes of spec.replicas, whoever made them. */
  readonly changes: readonly SpecChange[];
  readonly now: Instant;
}

/** Rate policies of HPA v2, then the bounds. A limit on the wrong side of `current` means no move, never a move against the direction. */
export function limitRate({ current, desired, min, max, changes, now }: Rated, behavior: Behavior): Held {
  if (desired > current) {
    const limit = Math.max(current, upLimit(current, changes, now, behavior.scaleUp));
    const allowed = Math.min(limit, max);
    if (desired <= allowed) return { replicas: desired };
    return { replicas: allowed, by: max > limit ? 'ScaleUpLimit' : 'TooManyReplicas' };
  }
  if (desired < current) {
    const limit = Math.min(current, downLimit(current, changes, now, behavior.scaleDown));
    const allowed = Math.max(limit, min);
    if (desired >= allowed) return { replicas: desired };
    return { replicas: allowed, by: min < limit ? 'ScaleDownLimit' : 'TooFewReplicas' };
  }
  return { replicas: desired };
}

/** Largest size that the rate policies allow now; may lie below `current`. Percent rounds up: 1 % of 3 allows 4. */
export function upLimit(current: number, changes: readonly SpecChange[], now: Instant, rules: ScalingRules): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = sizeAt(current, changes, now, periodSeconds);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

/** Smallest size that the rate policies allow now; may lie above `current` or below zero. Percent rounds towards zero. */
export function downLimit(current: number, changes: readonly SpecChange[], now: Instant, rules: ScalingRules): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = sizeAt(current, changes, now, periodSeconds);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** The limits of an HPA without `behavior`: at most doubled, at least 4, then the bounds; the minimum is looked at first. */
export function limitWithoutBehavior({ current, desired, min, max }: Omit<Rated, 'changes' | 'now'>): Held {
  const limit = Math.max(2 * current, 4);
  const allowed = Math.min(max, limit);
  if (desired < min) return { replicas: min, by: 'TooFewReplicas' };
  if (desired > allowed) return { replicas: allowed, by: limit < max ? 'ScaleUpLimit' : 'TooManyReplicas' };
  return { replicas: desired };
}

/** The longest period of any rate policy: older changes count for nothing. */
export function longestPeriodSeconds({ scaleUp, scaleDown }: Behavior): number {
  let longest = 0;
  for (const { periodSeconds } of scaleUp.policies) longest = Math.max(longest, periodSeconds);
  for (const { periodSeconds } of scaleDown.policies) longest = Math.max(longest, periodSeconds);
  return longest;
}

/** Spec at the start of the period: the present one less what was added and plus what was removed strictly inside it. */
function sizeAt(current: number, changes: readonly SpecChange[], now: Instant, periodSeconds: number): number {
  let size = current;
  for (const { at, from, to } of changes) if (at > now - periodSeconds * 1000) size -= to - from;
  return size;
}
