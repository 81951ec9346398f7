import type { DynamoEngine } from '../../../src/sim/policies/dynamo-engines.ts';
import { loadStep } from '../../../src/sim/policies/dynamo-load.ts';
import { slaStep } from '../../../src/sim/policies/dynamo-sla.ts';
import { times } from '../peer-policies.ts';
import { casesOf, type PeerTable } from './table.ts';

const steps: Readonly<
  Record<string, readonly [target: 'throughput' | 'latency', use: readonly number[], want: number]>
> = {
  'throughput: up when any is over 1': ['throughput', [0.2, 1.01], 3],
  'throughput: not at 1': ['throughput', [0.7, 1], 2],
  'throughput: down when all are under 0.6': ['throughput', [0.59, 0.1], 1],
  'throughput: not when one is at 0.6': ['throughput', [0.6, 0.1], 2],
  'throughput: never below one': ['throughput', [0], 1],
  'latency: up when any is over 0.4': ['latency', [0.41, 0.1], 3],
  'latency: down when all are under 0.1': ['latency', [0.09, 0], 1],
  'latency: not at 0.1': ['latency', [0.1, 0], 2],
};
/** An engine of a known model: milliseconds. */
export const linear: Readonly<Record<'wall' | 'ttft', (tokens: number, kv: number) => number>> & {
  readonly itl: (kv: number) => number;
} = {
  wall: (prefill: number, kv: number) => 4 + 0.02 * prefill + 0.0001 * kv,
  ttft: (queued: number, kv: number) => 4 + 0.02 * (queued + 1000) + 0.0001 * kv,
  itl: (kv: number) => 4 + 0.0001 * kv,
};
const limits = { ttftMilliseconds: 500, itlMilliseconds: 50, sensitivityPercent: 80, hitRate: 0 };
const one = (kvTokens: number, queuedPrefillTokens = 0): DynamoEngine => ({
  id: 'e',
  kvTokens,
  maxKvTokens: 400_000,
  queuedPrefillTokens,
});
const slaSteps: Readonly<Record<string, { readonly engines: readonly DynamoEngine[]; readonly want: number }>> = {
  'up when all miss the time to first token': { engines: times(2, one(0, 30_000)), want: 1 },
  'up when all miss the time between tokens': { engines: [one(470_000)], want: 1 },
  'not for one hot engine': { engines: [one(0, 30_000), one(200_000)], want: 0 },
  'down when the others keep both': { engines: times(2, one(100_000)), want: -1 },
  'not down when two become one that is too slow': { engines: times(2, one(190_000)), want: 0 },
  'not down when the KV cache would not hold it': { engines: times(4, one(310_000)), want: 0 },
  'not down when the queue of the others would cost its share of the budget': {
    engines: times(2, one(0, 10_000)),
    want: 0,
  },
  'never below one': { engines: [one(0)], want: 0 },
};

export const dynamoTables: readonly PeerTable[] = [
  {
    peer: 'Dynamo load',
    what: 'a step of the planner with static thresholds',
    cases: Object.fromEntries(
      Object.entries(steps).map(([name, [target, use, want]]) => [name, { want, ours: () => loadStep(target, use) }]),
    ),
  },
  {
    peer: 'Dynamo load',
    what: 'a step of the planner with the sla target',
    cases: casesOf(slaSteps, ({ engines }) => slaStep(linear, engines, limits)),
  },
];
