import type { Decision } from '../core/model/decision.ts';
import type { FollowerView } from '../ports/metric-source.ts';

type Size = FollowerView['sizes'][number];

/**
 * The number to publish for a decision, or why none may be published. An HPA on AverageValue 1 compares the number with status replicas and, within
 * its tolerance, sets *status* replicas. So a raise that load demands is lifted just over the tolerance; and while status and spec differ (a rollout's
 * surge, pods still to be made) a number that would make it set anything but the decision or its present spec is withheld: on an error it holds spec.
 */
export function followable(decision: Decision, wanted: number, { sizes, tolerance }: FollowerView): number | string {
  const now = sizes.at(-1);
  const isRaise = decision.isReactiveRaise && now !== undefined && wanted > now.spec && wanted > now.status;
  const published = isRaise && followerSets(wanted, now, tolerance) < wanted ? lifted(now, tolerance) : wanted;
  const bad = sizes.findLast((size) => {
    const set = followerSets(published, size, tolerance);
    return set !== published && set !== size.spec;
  });
  if (bad === undefined) return published;
  const why = decision.isRollingOut ? `a rollout surges to ${bad.status} pods` : `${bad.status} pods stand`;
  return `${why}, spec is ${bad.spec} and the decision ${wanted}: the follower holds its spec`;
}

/** The least number that a follower acts on; in doubles 100 x 1.15 is less than 115. */
function lifted(now: Size, tolerance: FollowerView['tolerance']): number {
  const least = Math.floor(now.status * (1 + tolerance.up)) + 1;
  return followerSets(least, now, tolerance) === least ? least : least + 1;
}

/** What a stock HPA sets for a whole number on AverageValue 1 (bounds and `behavior` apart). */
export function followerSets(published: number, { status }: Size, { up, down }: FollowerView['tolerance']): number {
  if (status === 0) return published;
  const ratio = published / status;
  return 1 - down <= ratio && ratio <= 1 + up ? status : published;
}
