import type { PolicyDefinition } from '../../../src/core/model/policy-definition.ts';
import { bestEngineRate } from '../../../src/sim/policies/dynamo-throughput.ts';
import type { Readings } from '../builders.ts';
import { policyNamed, policyOf, type Ramp, rampOf, type RampWorld, times } from '../peer-policies.ts';
import type { PeerCase, PeerTable } from './table.ts';

/** Demand for 8 replicas from second 0 on, one ready; cold start c = 110 s; whatever scraping and ticking add, l, is at most 30 s. */
const cold = 110;
const lag = 30;
const world = (pool: RampWorld['pool'], over: Partial<RampWorld> = {}): RampWorld => ({
  coldStartSeconds: cold,
  fromSeconds: 0,
  untilSeconds: 1200,
  pool,
  ...over,
});
const short = (ready: number): boolean => ready < 8;

export interface Ramping {
  readonly ramp: () => Promise<Ramp>;
  readonly least: number;
  readonly most: number;
  readonly sizes: readonly number[];
}
const serial = { least: 7 * cold, most: 7 * (cold + lag), sizes: [1, 2, 3, 4, 5, 6, 7, 8] };

/** Engines whose iterations take 4 ms + 0.02 a prefill token + 0.0001 a KV token; ten run in each, prompts of 1000 and answers of 200. */
function learningPool(s: number, ready: number, each: (i: number) => Readings): readonly Readings[] {
  return times(ready, 0).map((_, i): Readings => {
    const looks = s / 5;
    const prefill = (k: number): number => 40 + 20 * (k % 5);
    const kvUse = (k: number): number => 0.3 + 0.05 * (k % 3);
    const counted = counts(looks, prefill, kvUse);
    return { kvCapacityTokens: 400_000, maxRunning: 256, running: 10, kvUse: kvUse(looks), ...counted, ...each(i) };
  });
}
function counts(looks: number, prefill: (k: number) => number, kvUse: (k: number) => number): Readings {
  let [itlSecondsSum, promptTokensTotal] = [0, 0];
  for (let k = 1; k <= looks; k++) {
    itlSecondsSum += 1000 * (0.004 + 0.00002 * prefill(k) + 0.0000001 * 400_000 * ((kvUse(k) + kvUse(k - 1)) / 2));
    promptTokensTotal += 100 * prefill(k);
  }
  const requests = promptTokensTotal / 1000;
  return {
    itlCount: 1000 * looks,
    itlSecondsSum,
    promptTokensTotal,
    ttftCount: requests,
    finishedTotal: requests,
    outputTokensTotal: 200 * requests,
  };
}

const saturatingGauge: PolicyDefinition = {
  kind: 'SimulatedPolicy',
  name: 'hpa-value',
  algorithm: 'Hpa',
  parameters: {
    syncSeconds: 15,
    tolerancePercent: 10,
    windowSeconds: 60,
    metrics: [{ type: 'Value', signal: 'KvUse', targetMilli: 700 }],
  },
};

/** A backlog that WVA's token engine sizes to 8: 8 x 0.85 of 80 % of the KV caches. */
const tokensFor8 = 8 * 0.85 * 0.8 * 420_800;
function tokenPool(s: number, ready: number): readonly Readings[] {
  const held = s < 60 ? 0.5 : Math.min(0.8, tokensFor8 / ready / 420_800);
  const waiting = s < 60 ? 0 : Math.max(0, tokensFor8 / ready - held * 420_800) / 1200;
  const requests = s + 1;
  return times(ready, {
    kvUse: held,
    kvCapacityTokens: 420_800,
    waiting,
    ttftCount: requests,
    finishedTotal: requests,
    promptTokensTotal: 1000 * requests,
    outputTokensTotal: 200 * requests,
  });
}

const engineRate =
  bestEngineRate(
    {
      wall: (prefill, kv) => 4 + 0.02 * prefill + 0.0001 * kv,
      ttft: (queued, kv) => 4 + 0.02 * (queued + 1000) + 0.0001 * kv,
    },
    { prompt: 1000, output: 200 },
    {
      maxBatchedTokens: 8192,
      maxKvTokens: 400_000,
      maxSequences: 256,
      ttftMilliseconds: 500,
      itlMilliseconds: 50,
      hitRate: 0,
    },
  ) ?? NaN;
const calm = 0.1 * engineRate;
const steep = 7.5 * engineRate;

export const ramps: Readonly<Record<string, Ramping>> = {
  'WVA V1: seven serial steps of one': {
    ...serial,
    ramp: async () =>
      rampOf(
        await policyNamed('wva-v1'),
        world((_, ready) => ({ ready: times(ready, short(ready) ? { kvUse: 0.95, waiting: 9 } : { kvUse: 0.68 }) })),
      ),
  },
  'Dynamo load with static thresholds: seven serial steps of one': {
    ...serial,
    ramp: async () =>
      rampOf(
        await policyNamed('dynamo-load'),
        world((s, ready) => ({
          ready: times(ready, { ...learningPool(s, 1, () => ({}))[0], kvUse: 0.8, waiting: short(ready) ? 200 : 0 }),
        })),
      ),
  },
  'Dynamo load for latency: seven serial steps of one': {
    ...serial,
    ramp: async () =>
      rampOf(
        await policyNamed('dynamo-load-latency'),
        world((_, ready) => ({
          ready: times(ready, { kvCapacityTokens: 400_000, kvUse: short(ready) ? 0.5 : 0.3 }),
        })),
      ),
  },
  'Dynamo load with the sla target: seven serial steps of one': {
    ...serial,
    ramp: async () =>
      rampOf(
        await policyNamed('dynamo-load-sla'),
        world(
          (s, ready) => ({
            ready: learningPool(s, ready, () => ({ waiting: s >= 60 && short(ready) ? 60 : 0 })),
          }),
          { fromSeconds: 60 },
        ),
      ),
  },
  'production-stack operator: seven steps timed by one a minute': {
    least: 6 * 60 + cold,
    most: 6 * 60 + cold + lag,
    sizes: serial.sizes,
    ramp: async () =>
      rampOf(
        await policyNamed('production-stack-operator'),
        world((_, ready) => ({ ready: times(ready, { running: 40 / ready }) })),
      ),
  },
  'HPA with its default policies on an additive metric: 1, 5, 8': {
    least: 15 + cold,
    most: 15 + cold + lag,
    sizes: [1, 5, 8],
    ramp: async () =>
      rampOf(
        await policyNamed('hpa-queue'),
        world((_, ready) => ({ ready: times(ready, { waiting: 40 / ready }) })),
      ),
  },
  'HPA Value on a saturating gauge, over ready pods: 1, 2, 3, 5, 8, a cold start each': {
    least: 4 * cold,
    most: 4 * (cold + lag),
    sizes: [1, 2, 3, 5, 8],
    ramp: async () =>
      rampOf(
        policyOf(saturatingGauge),
        world((_, ready) => ({ ready: times(ready, { kvUse: short(ready) ? 1 : 0.7 }) })),
      ),
  },
  'WVA V2: one jump to the backlog': {
    least: cold,
    most: cold + lag,
    sizes: [1, 8],
    ramp: async () =>
      rampOf(
        await policyNamed('wva-v2'),
        world((s, ready) => ({ ready: tokenPool(s, ready) }), { fromSeconds: 60 }),
      ),
  },
  'Knative KPA: one jump, within ten seconds as its panic window fills': {
    least: cold,
    most: 10 + cold,
    sizes: [1, 3, 6, 8],
    ramp: async () =>
      rampOf(
        await policyNamed('knative-kpa'),
        world((s, ready) => ({ ready: times(ready, { running: (s < 60 ? 20 : 560) / ready }) }), { fromSeconds: 60 }),
      ),
  },
  'AIBrix APA before its guard: doubles each ten seconds, to the maximum': {
    least: 20 + cold,
    most: 30 + cold,
    sizes: [1, 2, 4, 8, 16],
    ramp: async () =>
      rampOf(
        await policyNamed('aibrix-apa'),
        world((_, ready) => ({ ready: times(ready, { kvUse: short(ready) ? 1 : 0.5 }) }), { untilSeconds: 200 }),
      ),
  },
  'Dynamo throughput: one jump at the next boundary of 180 s': {
    least: 180 + cold,
    most: 180 + cold + lag,
    sizes: [1, 8],
    ramp: async () =>
      rampOf(
        await policyNamed('dynamo-throughput'),
        world(
          (s, ready) => ({
            ready: learningPool(s, ready, () => ({})),
            requestsTotal: calm * Math.min(s, 360) + steep * Math.max(0, s - 360),
          }),
          { fromSeconds: 360, untilSeconds: 700 },
        ),
      ),
  },
};

const windowOf = ({ sizes, least, most }: Ramping): string => `${sizes.join(', ')} by ${least} to ${most} s`;

/** The first sizes asked for, and whether eight were ready in time: told as the wanted window where they were, else as the second. */
async function reached(one: Ramping): Promise<string> {
  const { sizes, secondsTo } = await one.ramp();
  const first = sizes.slice(0, one.sizes.length);
  const second = secondsTo(8) ?? Infinity;
  const isInside = second >= one.least && second <= one.most;
  return isInside ? windowOf({ ...one, sizes: first }) : `${first.join(', ')} by ${second} s`;
}

async function told(one: Ramping): Promise<string> {
  const { sizes, secondsTo } = await one.ramp();
  return `${sizes.slice(0, one.sizes.length).join(', ')} by ${secondsTo(8)} s`;
}

export const rampTables: readonly PeerTable[] = [
  {
    peer: 'ramps',
    what: 'from 1 to 8 ready under demand for 8',
    cases: Object.fromEntries(
      Object.entries(ramps).map(([name, one]): readonly [string, PeerCase] => [
        name,
        { want: windowOf(one), ours: () => reached(one), told: () => told(one) },
      ]),
    ),
  },
];
