import { join } from 'node:path';
import { loadsOf } from '../../src/cli/simulation-input.ts';
import { readProfile } from '../../src/config/profile-file.ts';
import type { EngineProfile } from '../../src/core/model/profile.ts';
import type { ScenarioOptions } from '../../src/sim/scenario.ts';
import { bundledAbout, bundledSettings } from '../../src/sim/workload/bundled.ts';
import type { Workload } from '../../src/sim/workload/workload.ts';
import { dataFolder } from '../measured-runs.ts';
import { replicasAtStart } from './start.ts';

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
  readonly fleet?: Partial<Pick<ScenarioOptions, 'minReplicas' | 'maxReplicas' | 'initialReplicas' | 'routing'>>;
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

/** The first two days of the week, and of the days with traps those with the spike, the shift and the holiday: within 40,000 requests. */
const slices: Readonly<Record<string, Plan['slice']>> = {
  s4: { from: 0, to: 3.5 * hour },
  s18: { from: 1.5 * 1800, to: 7.5 * 1800 },
};
const fleets: Readonly<Record<string, Plan['fleet']>> = {
  s1: { maxReplicas: 10, initialReplicas: 1 },
  s2: { initialReplicas: 1 },
  s6: { minReplicas: 1 },
  s3: { routing: 'PrefixAffine' },
  s11: { routing: 'PrefixAffine' },
  s17: { routing: 'PrefixAffine' },
};

const shapes: readonly Plan[] = bundledAbout()
  .filter(({ name }) => name !== 's13-b')
  .map(({ name, about }) => ({
    name,
    about,
    class: classes[name] ?? 'other',
    profile: 'llama-3.1-8b-h100',
    source: undefined,
    ...(slices[name] === undefined ? {} : { slice: slices[name] }),
    ...(fleets[name] === undefined ? {} : { fleet: fleets[name] }),
  }));

/** A day is played in a quarter or a half of its time where it would have too many requests otherwise: ramps are four times or twice as steep then. */
const traces: readonly Plan[] = [
  {
    name: 'azure23',
    class: 'other',
    about: 'Azure conversations 2023, 25 minutes, four times the users, on a small GPU whose KV cache is the bound',
    profile: 'llama-3.1-8b-rtx4090',
    slice: { from: 800, to: 2300 },
    source: { file: 'azure-2023/conv.csv.gz', rateScale: 4, timeScale: 1 },
  },
  series(
    'azure24',
    'foreseeable',
    'Azure conversations 2024, eight hours of a working day in two (reconstructed minutes)',
    {
      file: 'azure-2024-digitized/conv_recon_1min.csv.gz',
      rateScale: 0.015,
      timeScale: 0.25,
      slice: { from: day + 5 * hour, to: day + 13 * hour },
    },
  ),
  series('burstgpt', 'burst', 'BurstGPT, eight hours of the third day in four: bursts over a day', {
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
    fleet: { routing: 'PrefixAffine' },
    source: { file: 'mooncake/conversation_trace.jsonl.gz', rateScale: 2, timeScale: 1 },
  },
  series(
    'servegen-large',
    'foreseeable',
    'ServeGen m-large, rates of ten minutes, eight hours of a working day in two',
    {
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
      file: 'servegen/m-small_pool_10min.csv.gz',
      rateScale: 0.001,
      timeScale: 0.25,
      slice: { from: day + 5 * hour, to: day + 13 * hour },
    },
  ),
  series('crane', 'foreseeable', 'a service of Tencent, eight hours in two: a fall and a ramp', {
    file: 'crane/input8.csv.gz',
    rateScale: 0.0019,
    rateUnit: 'per-second',
    timeScale: 0.25,
    slice: { from: day + 4 * hour, to: day + 12 * hour },
  }),
  series('nab', 'burst', 'an AWS load balancer, five hours: counts that jump each five minutes', {
    file: 'nab/elb_request_count_8c0756.csv.gz',
    rateScale: 5,
    timeScale: 1,
    slice: { from: day, to: day + 5 * hour },
  }),
];

function series(
  name: string,
  loadClass: LoadClass,
  about: string,
  { slice, ...source }: TraceSource & { readonly slice: NonNullable<Plan['slice']> },
): Plan {
  const from = { ...source, lengths: longRequests };
  return { name, class: loadClass, about, slice, profile: 'llama-3.1-8b-rtxpro6000', source: from };
}

const plans: readonly Plan[] = [...shapes, ...traces];

/** The loads of the standard comparison: the scenarios S1 to S18, and one of each family of recorded traces. */
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
  return { ...bundledSettings(name), ...fleetOf(plan, { workload, profile }), workload, profile, seed };
}

function fleetOf(
  { fleet }: Plan,
  load: { readonly workload: Workload; readonly profile: EngineProfile },
): Partial<ScenarioOptions> {
  const maxReplicas = fleet?.maxReplicas ?? 24;
  const initialReplicas = fleet?.initialReplicas ?? Math.min(maxReplicas, replicasAtStart(load));
  /** Nobody looks at the timelines: the shortest. */
  const timelineStepSeconds = 60;
  return { minReplicas: 1, timelineStepSeconds, ...fleet, maxReplicas, initialReplicas };
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

function existing(source: TraceSource): string {
  const path = pathOf(source);
  if (path === undefined) throw new Error(`traces/${source.file} is not here`);
  return path;
}

function pathOf({ file }: TraceSource): string | undefined {
  const folder = dataFolder('traces');
  const path = folder === undefined ? undefined : dataFolder(`traces/${file}`);
  return path === undefined || folder === undefined ? undefined : join(folder, file);
}
