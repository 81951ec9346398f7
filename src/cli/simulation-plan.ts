import type { EngineProfile } from '../core/model/profile.ts';
import type { ScenarioSettings } from '../core/model/simulated-scenario.ts';
import { ForewarmError } from '../errors.ts';
import { bandFactors } from '../sim/iteration-factor.ts';
import type { ScenarioOptions } from '../sim/scenario.ts';
import type { Workload } from '../sim/workload/workload.ts';
import type { Load, NamedPolicy } from './simulation-input.ts';
import type { SimulationJob } from './simulation-job.ts';

/** What is varied, and what every run shares. */
export interface PlanFlags {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly initialReplicas?: number;
  readonly gpusPerNode?: number;
  readonly coldStart: readonly number[];
  readonly routing: keyof typeof routingOf;
  readonly seed: readonly number[];
  /** Each run at every factor of the k-band. */
  readonly band: boolean;
  readonly record?: string;
  readonly resume?: string;
}

const routingOf = {
  'least-loaded': 'LeastLoaded',
  'round-robin': 'RoundRobin',
  'prefix-affine': 'PrefixAffine',
} as const;

export interface PlanInput {
  readonly policies: readonly NamedPolicy[];
  readonly profile: EngineProfile;
  /** One a seed. */
  readonly loads: readonly Load[];
  /** Of a scenario file; flags win. */
  readonly settings: ScenarioSettings;
}

/** Every policy at every cold start, seed and factor, in this order; what is shown of a policy is its first. */
export function plannedJobs(
  flags: PlanFlags,
  { policies, profile, loads, settings }: PlanInput,
): readonly SimulationJob[] {
  assertFleet(flags, profile);
  assertForeseeable(policies, settings);
  const scenarios = flags.coldStart.flatMap((coldStartSeconds) =>
    flags.seed.flatMap((seed, at): readonly ScenarioOptions[] => {
      const workload = loads[at]?.workload;
      if (workload === undefined) return [];
      assertSharable(workload, profile);
      return [{ ...settings, workload, profile, seed, coldStartSeconds, ...fleetOf(flags, workload) }];
    }),
  );
  const factors = flags.band ? bandFactors(profile) : [1];
  const jobs = policies.flatMap((policy) =>
    scenarios.flatMap((scenario) => factors.map((iterationFactor) => ({ ...policy, scenario, iterationFactor }))),
  );
  return recorded(jobs, flags);
}

function fleetOf(flags: PlanFlags, { durationSeconds }: Workload): Partial<ScenarioOptions> {
  const { minReplicas, maxReplicas, initialReplicas, gpusPerNode } = flags;
  return {
    minReplicas,
    maxReplicas,
    timelineStepSeconds: Math.max(5, Math.round(durationSeconds / 2880)),
    routing: routingOf[flags.routing],
    ...(initialReplicas === undefined ? {} : { initialReplicas }),
    ...(gpusPerNode === undefined ? {} : { gpusPerNode }),
  };
}

function assertFleet(
  { minReplicas: min, maxReplicas: max, initialReplicas, gpusPerNode }: PlanFlags,
  profile: EngineProfile,
): void {
  if (min > max) throw usage(`--max-replicas must be at least --min-replicas (${min}), was ${max}`);
  if (initialReplicas !== undefined && (initialReplicas < min || initialReplicas > max)) {
    throw usage(
      `--initial-replicas must be within --min-replicas and --max-replicas (${min} to ${max}), was ${initialReplicas}`,
    );
  }
  const { gpusPerReplica, name } = profile;
  if (gpusPerNode !== undefined && gpusPerNode < gpusPerReplica) {
    throw usage(
      `--gpus-per-node must be at least the GPUs of a replica of ${name} (${gpusPerReplica}), was ${gpusPerNode}`,
    );
  }
}

/** An oracle's plan is of replicas that do both: it would be no bound. */
function assertForeseeable(policies: readonly NamedPolicy[], { disaggregation }: ScenarioSettings): void {
  const oracles = policies.filter(({ definition }) => definition.kind === 'Oracle').map(({ label }) => label);
  if (disaggregation === undefined || oracles.length === 0) return;
  throw usage(
    `--policy must be without ${oracles.join(' and ')} where the scenario has \`disaggregation\`: they plan for replicas that prefill and decode`,
  );
}

/** Engines share whole blocks of their cache. */
function assertSharable({ prefixes }: Workload, { name, blockTokens }: EngineProfile): void {
  if (prefixes === undefined || prefixes.blockTokens % blockTokens === 0) return;
  throw usage(
    `--prefix-block-tokens must be a multiple of the KV blocks of ${name} (${blockTokens} tokens), was ${prefixes.blockTokens}`,
  );
}

/** A log holds one run of our own brain: more could not be told apart. */
function recorded(jobs: readonly SimulationJob[], { record, resume }: PlanFlags): readonly SimulationJob[] {
  if (record === undefined) return jobs;
  if (resume !== undefined)
    throw usage('--record must stand without --resume: a run that is taken from a file is not recorded');
  const own = jobs.filter(({ definition }) => definition.kind === 'ScalingPolicy');
  if (own.length === 1) return jobs.map((job) => (own.includes(job) ? { ...job, record } : job));
  throw usage(
    `--record must have exactly one policy of kind ScalingPolicy at one cold start without --band and one seed, was ${own.length} runs`,
  );
}

function usage(message: string): ForewarmError {
  return new ForewarmError('USAGE', message);
}
