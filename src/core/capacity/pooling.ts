import type { LearnedMemory } from '../model/memory.ts';
import type { EngineProfile } from '../model/profile.ts';
import type { Flow } from '../signals/flow.ts';
import type { Lengths } from '../signals/mix.ts';
import { operatingPoint } from './iteration-time.ts';
import { prefillMs } from './prefill.ts';

/**
 * How well the router balances. Behind one that spreads by chance every replica is a queue of its own; behind one that knows who is free the replicas
 * serve one queue together, and prompts wait far less at the same load. Which it is shows in how long requests wait.
 */
type Pooling = NonNullable<LearnedMemory['pooling']>;

const halfLifeSeconds = 1800;
/** So many requests that wait as behind a router of chance are counted with those that were seen. */
const priorRequests = 300;
/** Fuller engines wait because they are full, whatever the router. */
const fullest = 0.9;

export interface PoolingStep {
  readonly flow: Flow | undefined;
  readonly profile: EngineProfile;
  readonly lengths: Lengths;
  readonly seconds: number;
  /** A queue stands that must be drained: it says nothing of the router. */
  readonly isBacklog: boolean;
}

/** Decayed sums of what requests waited, and of what they would have waited for, over the requests that started. */
export function poolingAfter(before: Pooling | undefined, step: PoolingStep): Pooling | undefined {
  const decay = 2 ** (-step.seconds / halfLifeSeconds);
  const kept = before === undefined ? undefined : scaledBy(before, decay);
  const { flow, profile, lengths } = step;
  if (flow === undefined || step.isBacklog || flow.started < 1 || flow.replicaSeconds <= 0) return kept;
  const rate = flow.started / flow.replicaSeconds;
  const service = prefillMs(profile, lengths, operatingPoint(profile, lengths, rate).sequences) / 1000;
  const busy = rate * service;
  if (!(busy < fullest)) return kept;
  const { waited, requests, serviced, busied } = kept ?? { waited: 0, requests: 0, serviced: 0, busied: 0 };
  return {
    requests: requests + flow.started,
    waited: waited + Math.max(0, flow.waitingSeconds),
    serviced: serviced + service * flow.started,
    busied: busied + busy * flow.started,
  };
}

function scaledBy({ waited, requests, serviced, busied }: Pooling, by: number): Pooling {
  return { waited: waited * by, requests: requests * by, serviced: serviced * by, busied: busied * by };
}

/**
 * The number of servers behind one queue that would make requests wait as they did: 1 behind a router of chance (and while nothing is known), at most the
 * replicas. Mean wait of M/M/n by Sakasegawa's form, (S / n) load^(sqrt(2 (n + 1)) - 1) / (1 - load).
 */
export function serversOf(pooling: Pooling | undefined, replicas: number): number {
  if (pooling === undefined || replicas <= 1 || pooling.requests <= 0) return 1;
  const load = pooling.busied / pooling.requests;
  const service = pooling.serviced / pooling.requests;
  if (load <= 0.01) return 1;
  const wait = (n: number): number => ((service / n) * load ** waitExponent(n)) / (1 - load);
  const seen = (pooling.waited + priorRequests * wait(1)) / (pooling.requests + priorRequests);
  let [few, many] = [1, replicas];
  for (let i = 0; i < 20; i++) {
    const middle = (few + many) / 2;
    if (wait(middle) > seen) few = middle;
    else many = middle;
  }
  return few;
}

/** Of the load, in the chance to wait behind n servers. */
export function waitExponent(n: number): number {
  return Math.sqrt(2 * (n + 1)) - 1;
}
