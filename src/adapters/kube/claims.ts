import type { AutoscalerKept, TargetRef } from './autoscaler.ts';
import type { Cluster } from './cluster.ts';
import type { HpaKept } from './hpa.ts';

/** Who sets the replicas of what, by target; made once a pass. */
export interface Claims {
  readonly hpas: ReadonlyMap<string, readonly HpaKept[]>;
  readonly autoscalers: ReadonlyMap<string, readonly AutoscalerKept[]>;
}

export function targetKey(namespace: string, { kind, name }: Pick<TargetRef, 'kind' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

export function claimsOf(cluster: Cluster): Claims {
  const autoscalers = cluster.autoscalers
    .list()
    .flatMap((one) => one.targets.map((ref) => [targetKey(one.namespace, ref), one] as const));
  const hpas = cluster.hpas
    .list()
    .map((one) => [targetKey(one.namespace, { kind: one.targetKind, name: one.targetName }), one] as const);
  return { autoscalers: grouped(autoscalers), hpas: grouped(hpas) };
}

function grouped<T>(pairs: readonly (readonly [string, T])[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const [key, one] of pairs) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}
