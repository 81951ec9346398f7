import type { WvaV2Parameters } from '../../../src/core/model/peer-parameters.ts';
import { defaultBehavior } from '../../../src/core/model/policy.ts';
import { saturationStep } from '../../../src/sim/policies/wva-v1.ts';
import { type TokenCase, tokenChange } from '../../../src/sim/policies/wva-v2.ts';
import { times } from '../peer-policies.ts';
import { casesOf, type PeerTable } from './table.ts';

const v1 = {
  kvCacheThresholdPercent: 80,
  queueLengthThreshold: 5,
  kvSpareTriggerPercent: 10,
  queueSpareTrigger: 3,
  minNonSaturated: 2,
};
const at80 = (kv: number, waiting = 0) => ({ kv, waiting });
const steps: Readonly<
  Record<string, { readonly replicas: readonly { kv: number; waiting: number }[]; readonly want: number }>
> = {
  'up when all are saturated': { replicas: [at80(0.8), at80(0.1, 5)], want: 1 },
  'up when the spare KV is under its trigger': { replicas: [at80(0.71)], want: 1 },
  'up when the spare queue is under its trigger': { replicas: [at80(0.1, 3)], want: 1 },
  'not for one saturated replica while the others have room': { replicas: [at80(1, 9), at80(0.6), at80(0.6)], want: 0 },
  'down when the others keep their spares with its load': { replicas: times(3, at80(0.4)), want: -1 },
  'not down when the others would lose their spare KV': { replicas: times(3, at80(0.5)), want: 0 },
  'not down when the others would lose their spare queue': { replicas: times(2, at80(0.1, 1.5)), want: 0 },
  'not down with fewer than two unsaturated': { replicas: [at80(0.1), at80(0.1, 5)], want: 0 },
};
export const v2: WvaV2Parameters = {
  tickSeconds: 15,
  windowSeconds: 300,
  kvCacheThresholdPercent: 80,
  queueLengthThreshold: 5,
  scaleUpThresholdPercent: 85,
  scaleDownThresholdPercent: 70,
  maxBatchedTokens: 8192,
  maxNumSeqs: 256,
  prefixHits: 'Zero',
  behavior: defaultBehavior,
};
const changes: Readonly<Record<string, TokenCase & { readonly want: number }>> = {
  'jumps to what is missing': { demand: 680, perReplica: 100, ready: 1, anticipated: 1, want: 7 },
  'counts what was ordered, unschedulable or not': {
    demand: 680,
    perReplica: 100,
    ready: 1,
    anticipated: 8,
    want: 0,
  },
  'gives whole spare replicas back': { demand: 140, perReplica: 100, ready: 5, anticipated: 5, want: -3 },
  'gives nothing back of what is not ready': { demand: 140, perReplica: 100, ready: 2, anticipated: 5, want: 0 },
  'keeps the size between the thresholds': { demand: 160, perReplica: 100, ready: 2, anticipated: 2, want: 0 },
};

export const wvaTables: readonly PeerTable[] = [
  {
    peer: 'WVA V1',
    what: 'one step of the percentage engine',
    cases: casesOf(steps, ({ replicas }) => saturationStep(v1, replicas).step),
  },
  {
    peer: 'WVA V2',
    what: 'the change of the token engine',
    cases: casesOf(changes, (given) => tokenChange(v2, given).replicas + 0),
  },
];
