import type { PolicyAnswer, PolicySetting } from './policy.ts';

/** Nothing is known of the size, so nothing is decided. */
export const noScale: PolicyAnswer = { actions: [], because: 'FailedGetScale: held' };

export function held(because: string): PolicyAnswer {
  return { actions: [], because };
}

/** Silent about the size when it is already what is wanted. */
export function answerOf(spec: number, replicas: number, because: string): PolicyAnswer {
  return { ...(replicas === spec ? {} : { replicas }), actions: [], because };
}

export function within(
  { minReplicas, maxReplicas }: Pick<PolicySetting, 'minReplicas' | 'maxReplicas'>,
  n: number,
): number {
  return Math.min(Math.max(n, minReplicas), maxReplicas);
}
