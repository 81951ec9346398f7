import type { PoolSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { type Counts, reading, replicasOf } from './signals.ts';

/** What Dynamo reads of each engine, as far as a metrics page shows it. */
export interface DynamoEngine {
  readonly id: string;
  /** Tokens in the KV cache, and how many it holds. */
  readonly kvTokens: number;
  readonly maxKvTokens: number;
  readonly queuedPrefillTokens: number;
}

export type EnginesSeen =
  | { readonly kind: 'engines'; readonly engines: readonly DynamoEngine[] }
  | { readonly kind: 'held'; readonly because: string };

/** All engines, or why the planner only observes: a change is under way, or an engine does not report. Queued prompts count with their mean length. */
export function dynamoEngines(seen: PoolSeen, now: Instant, counts: Counts, meanPrompt: number): EnginesSeen {
  if (counts.spec !== counts.ready) return { kind: 'held', because: 'scaling_in_progress' };
  const engines = replicasOf(seen)
    .filter(({ phase }) => phase === 'Ready')
    .flatMap((replica) => {
      const kvUse = reading(replica, 'kvUse', seen, now);
      const maxKvTokens = reading(replica, 'kvCapacityTokens', seen, now);
      const waiting = reading(replica, 'waiting', seen, now);
      if (kvUse === undefined || maxKvTokens === undefined || waiting === undefined) return [];
      const { id } = replica;
      return [{ id, kvTokens: kvUse * maxKvTokens, maxKvTokens, queuedPrefillTokens: waiting * meanPrompt }];
    });
  if (engines.length === 0) return { kind: 'held', because: 'no_fpm_data' };
  if (engines.length !== counts.ready) return { kind: 'held', because: 'worker_count_mismatch' };
  return { kind: 'engines', engines };
}
