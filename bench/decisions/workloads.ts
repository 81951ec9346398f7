import { loadsOf } from '../../src/cli/simulation-input.ts';
import { readProfile } from '../../src/config/profile-file.ts';
import type { ScenarioOptions } from '../../src/sim/scenario.ts';
import { bundledAbout, bundledSettings } from '../../src/sim/workload/bundled.ts';
import type { Workload } from '../../src/sim/workload/workload.ts';
import { dataFolder } from '../measured-runs.ts';

/**
 * What can be known of a load before it comes: its next minutes follow from the last ones (`foreseeable`), or nobody can tell (`burst`), or the question
 * is another one (`other`: faults, bounds, mixes).
 */
export type LoadClass = 'foreseeable' | 'burst' | 'other';

/** One of the 26 loads of the standard comparison. */
export interface StandardWorkload {
  readonly name: string;
  readonly class: LoadClass;
  readonly about: string;
  /** Recorded data that is not here; the workload cannot be drawn then. */
  readonly absent?: string;
}

interface Plan extends StandardWorkload {
  readonly profile: string;
  readonly source: TraceSource | undefined;
  readonly slice?: { readonly from: number; readonly to: number };
  readonly fleet: Fleet;
}

interface Fleet extends Partial<Pick<ScenarioOptions, 'maxReplicas' | 'routing'>> {
  /** Ready at the beginning for every policy: what serves the first five minutes without haste, so that what is compared is not the first ramp. */
  readonly initialReplicas: number;
}

interface TraceSource {
  /** Below the folder of recorded traces. */
  readonly file: string;
  readonly rateScale: number;
  readonly timeScale: number;
  readonly lengths?: string;
  readonly rateUnit?: 'per-second';
}

const [hour, day] = [3600, 86_400];
/** Fleets peak at 6 to 24 replicas within 40,000 requests when each request is long: a prompt of about 7400 tokens, an answer of 900. */
const longRequests = 'lognormal:6500/0.5,800/0.5';

const classes: Readonly<Record<string, LoadClass>> = {
  s3: 'foreseeable',
  s4: 'foreseeable',
  s6: 'foreseeable',
  s7: 'foreseeable',
  s13: 'foreseeable',
  s1: 'burst',
  s2: 'burst',
  s5: 'burst',
  s18: 'burst',
};

/** The first half of the week, and of the days with traps those with the spike, the shift and the holiday: within 40,000 requests. */
const slices: Readonly<Record<string, Plan['slice']>> = {
  s4: { from: 0, to: 3.5 * hour },
  s18: { from: 1.5 * 1800, to: 7.5 * 1800 },
};
/** S1 and S2 are about the first ramp. */
const fleets: Readonly<Record<string, Fleet>> = {
  s1: { initialReplicas: 1, maxReplicas: 10 },
  s2: { initialReplicas: 1 },
  s3: { initialReplicas: 3, routing: 'PrefixAffine' },
  s4: { initialReplicas: 1 },
  s5: { initialReplicas: 2 },
  s6: { initialReplicas: 4 },
  s7: { initialReplicas: 2 },
  s8: { initialReplicas: 1 },
  s9: { initialReplicas: 6 },
  s10: { initialReplicas: 1 },
  s11: { initialReplicas: 4, routing: 'PrefixAffine' },
  s12: { initialReplicas: 7 },
  s13: { initialReplicas: 4 },
  s14: { initialReplicas: 6 },
  s15: { initialReplicas: 2 },
  s16: { initialReplicas: 3 },
  s17: { initialReplicas: 4, routing: 'PrefixAffine' },
  s18: { initialReplicas: 4 },
};

function fleetOf(name: string): Fleet {
  const fleet = fleets[name];
  if (fleet === undefined) throw new RangeError(`${name} has no fleet to begin with`);
  return fleet;
}

const shapes: readonly Plan[] = bundledAbout()
  .filter(({ name }) => name !== 's13-b')
  .map(({ name, about }) => ({
    name,
    about,
    class: classes[name] ?? 'other',
    profile: 'llama-3.1-8b-h100',
    source: undefined,
    ...(slices[name] === undefined ? {} : { slice: slices[name] }),
    fleet: fleetOf(name),
  }));

/** A day is played in a quarter or a half of its time where it would have too many requests otherwise: ramps are four times or twice as steep then. */
const traces: readonly Plan[] = [
  {
    name: 'azure23',
    class: 'other',
    about: 'Azure conversations 2023, 25 minutes, four times the users, on a small GPU whose KV cache is the bound',
    profile: 'llama-3.1-8b-rtx4090',
    fleet: { initialReplicas: 8 },
    slice: { from: 800, to: 2300 },
    source: { file: 'azure-2023/conv.csv.gz', rateScale: 4, timeScale: 1 },
  },
  series(
    'azure24',
    'foreseeable',
    'Azure conversations 2024, eight hours of a working day in two (reconstructed minutes)',
    {
      initialReplicas: 5,
      file: 'azure-2024-digitized/conv_recon_1min.csv.gz',
      rateScale: 0.015,
      timeScale: 0.25,
      slice: { from: day + 5 * hour, to: day + 13 * hour },
    },
  ),
  series('burstgpt', 'burst', 'BurstGPT, eight hours of the third day in four: bursts over a day', {
    initialReplicas: 3,
    file: 'burstgpt/week1_tokens_per_s_1min.csv.gz',
    rateScale: 200,
    timeScale: 0.5,
    slice: { from: 2 * day + 10 * hour, to: 2 * day + 18 * hour },
  }),
  {
    name: 'mooncake',
    class: 'foreseeable',
    about: 'Mooncake conversations, an hour of twice the users, long prompts that share beginnings',
    profile: 'llama-3.1-8b-h100',
    fleet: { initialReplicas: 6, routing: 'PrefixAffine' },
    source: { file: 'mooncake/conversation_trace.jsonl.gz', rateScale: 2, timeScale: 1 },
  },
  series(
    'servegen-large',
    'foreseeable',
    'ServeGen m-large, rates of ten minutes, eight hours of a working day in two',
    {
      initialReplicas: 11,
      file: 'servegen/m-large_pool_10min.csv.gz',
      rateScale: 0.0048,
      timeScale: 0.25,
      slice: { from: day + 5 * hour, to: day + 13 * hour },
    },
  ),
  series(
    'servegen-small',
    'foreseeable',
    'ServeGen m-small, rates of ten minutes, eight hours of a working day in two',
    {
      initialReplicas: 3,
      file: 'servegen/m-small_pool_10min.csv.gz',
      rateScale: 0.001,
      timeScale: 0.25,
      slice: { from: day + 5 * hour, to: day + 13 * hour },
    },
  ),
  series('crane', 'foreseeable', 'a service of Tencent, eight hours in two: a fall and a ramp', {
    initialReplicas: 8,
    file: 'crane/input8.csv.gz',
    rateScale: 0.0019,
    rateUnit: 'per-second',
    timeScale: 0.25,
    slice: { from: day + 4 * hour, to: day + 12 * hour },
  }),
  series('nab', 'burst', 'an AWS load balancer, five hours: counts that jump each five minutes', {
    initialReplicas: 3,
    file: 'nab/elb_request_count_8c0756.csv.gz',
    rateScale: 5,
    timeScale: 1,
    slice: { from: day, to: day + 5 * hour },
  }),
];

interface Series extends TraceSource, Pick<Fleet, 'initialReplicas'> {
  readonly slice: NonNullable<Plan['slice']>;
}

function series(
  name: string,
  loadClass: LoadClass,
  about: string,
  { slice, initialReplicas, ...source }: Series,
): Plan {
  const from = { ...source, lengths: longRequests };
  const profile = 'llama-3.1-8b-rtxpro6000';
  return { name, class: loadClass, about, slice, profile, fleet: { initialReplicas }, source: from };
}

const plans: readonly Plan[] = [...shapes, ...traces];

/** The loads of the standard comparison: the scenarios S1 to S18, and eight of the recorded traces. */
export function standardWorkloads(): readonly StandardWorkload[] {
  return plans.map(({ name, class: loadClass, about, source }) => {
    const isAbsent = source !== undefined && pathOf(source) === undefined;
    return { name, class: loadClass, about, ...(isAbsent ? { absent: `traces/${source.file} is not here` } : {}) };
  });
}

/** Everything but the cold start: the same seed gives every policy the same arrivals and start-up draws. Throws when the data is absent. */
export async function standardScenario(name: string, seed: number): Promise<ScenarioOptions> {
  const plan = plans.find((one) => one.name === name);
  if (plan === undefined)
    throw new RangeError(`a workload must be one of ${plans.map((one) => one.name).join(', ')}, was '${name}'`);
  const [workload, profile] = await Promise.all([workloadOf(plan, seed), readProfile(plan.profile)]);
  /** Nobody looks at the timelines. */
  const timelineStepSeconds = 60;
  const fleet = { minReplicas: 1, maxReplicas: 24, ...plan.fleet };
  return { ...bundledSettings(name), ...fleet, timelineStepSeconds, workload, profile, seed };
}

async function workloadOf({ name, source, slice }: Plan, seed: number): Promise<Workload> {
  const part = { ...(slice === undefined ? {} : { slice }), workload: name };
  const [load] = await loadsOf(
    source === undefined ? { ...part, rateScale: 1, timeScale: 1 } : { ...part, ...source, trace: existing(source) },
    [seed],
  );
  if (load === undefined) throw new Error(`${name} has no load`);
  return load.workload;
}

function pathOf({ file }: TraceSource): string | undefined {
  return dataFolder(`traces/${file}`);
}

function existing(source: TraceSource): string {
  const path = pathOf(source);
  if (path === undefined) throw new Error(`traces/${source.file} is not here`);
  return path;
}
