import type { SimPod } from './pod.ts';

type Compare = (a: SimPod, b: SimPod) => number;

/** The ReplicaSet controller's order: unbound, then not Ready, then the cheaper to delete, then the younger. */
const rules: readonly Compare[] = [
  (a, b) => Number(a.node !== undefined) - Number(b.node !== undefined),
  (a, b) => Number(a.phase === 'Ready') - Number(b.phase === 'Ready'),
  (a, b) => a.deletionCost - b.deletionCost,
  (a, b) => b.readySinceMs - a.readySinceMs,
  (a, b) => b.ordinal - a.ordinal,
];

/** The pods that go when `count` of them must; pods that already drain are not asked. */
export function victims(pods: readonly SimPod[], count: number): readonly SimPod[] {
  return pods
    .filter((pod) => !pod.isTerminating)
    .sort(byRules)
    .slice(0, Math.max(0, count));
}

function byRules(a: SimPod, b: SimPod): number {
  for (const rule of rules) {
    const order = rule(a, b);
    if (order !== 0) return order;
  }
  return 0;
}
