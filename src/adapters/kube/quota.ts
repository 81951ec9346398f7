import type { GpuBudget } from '../../core/model/pool.ts';
import { parseMilli } from '../../core/model/quantity.ts';
import type { PoolInput } from '../../ports/index.ts';
import { list, object, text } from './fields.ts';
import { gpuResource } from './pod.ts';
import { type Kept, versionOf } from './store.ts';

/** What a ResourceQuota says of GPUs. */
export interface QuotaKept extends Kept {
  readonly namespace: string;
  readonly hard: number;
  readonly used: number;
}

/** Only quotas that bound GPUs and hold for every pod: of one with scopes it is not known which pods it counts. */
export function keepQuota(raw: unknown): QuotaKept | undefined {
  const hard = gpusIn(object(raw, 'status', 'hard')) ?? gpusIn(object(raw, 'spec', 'hard'));
  const isScoped =
    list(raw, 'spec', 'scopes').length > 0 || Object.keys(object(raw, 'spec', 'scopeSelector')).length > 0;
  if (hard === undefined || isScoped) return undefined;
  return {
    ...versionOf(raw),
    namespace: text(raw, 'metadata', 'namespace') ?? '',
    hard,
    used: gpusIn(object(raw, 'status', 'used')) ?? 0,
  };
}

function gpusIn(amounts: Readonly<Record<string, unknown>>): number | undefined {
  const milli = parseMilli(amounts[`requests.${gpuResource}`]);
  return milli === undefined ? undefined : Number(milli / 1000n);
}

/** Each quota less what others use of it, for the pools of its namespace. */
export function budgetsOf(quotas: readonly QuotaKept[], pools: readonly PoolInput[]): readonly GpuBudget[] {
  return quotas.flatMap(({ key, namespace, hard, used }) => {
    const inside = pools.filter(({ seen }) => seen.pool.startsWith(`${namespace}/`));
    if (inside.length === 0) return [];
    const own = inside.reduce((sum, pool) => sum + liveGpus(pool), 0);
    const others = Math.max(0, used - own);
    return [
      { name: `ResourceQuota ${key}`, gpus: Math.max(0, hard - others), pools: inside.map(({ seen }) => seen.pool) },
    ];
  });
}

function liveGpus({ seen, policy }: PoolInput): number {
  return seen.targets.reduce((sum, { target, statusReplicas = 0 }) => {
    const gpus = policy.targets.find((one) => one.target === target)?.gpusPerReplica ?? 0;
    return sum + gpus * statusReplicas;
  }, 0);
}
