import { defaultBehavior } from '../core/model/policy.ts';
import type { PolicyDefinition } from '../core/model/policy-definition.ts';
import { milliseconds, replicas } from '../core/model/units.ts';
import { withIterationFactor } from '../sim/iteration-factor.ts';
import { createOracle, createReactiveOracle } from '../sim/oracle/policies.ts';
import { foresee, type Foresight } from '../sim/oracle/search.ts';
import type { OnPass, PoolTold } from '../sim/policies/balanced.ts';
import { createPolicy } from '../sim/policies/index.ts';
import type { PolicyAnswer, PolicyView } from '../sim/policies/policy.ts';
import type { ForecastPoint } from '../sim/report/downsample.ts';
import type { SimResult } from '../sim/result.ts';
import { type Scenario, scenarioOf, type ScenarioOptions, simArtifact, simTarget } from '../sim/scenario.ts';
import { type PolicyCadence, simulate, type SimTick } from '../sim/simulation.ts';
import { DecisionLog } from './decision-log.ts';
import { ExecPolicy, type ExternalDefinition } from './exec-policy.ts';

/** A policy that knows what nobody can know: all arrivals, or the true size as soon as it changed. */
export interface OracleDefinition {
  readonly kind: 'Oracle';
  readonly knows: 'Arrivals' | 'TrueSize';
}

/** Whatever can be put under test: a file of ours, a program, an oracle. */
export type RunDefinition = PolicyDefinition | ExternalDefinition | OracleDefinition;

/** One policy in one scenario. Plain data: it is sent to a thread. */
export interface SimulationJob {
  readonly scenario: ScenarioOptions;
  readonly definition: RunDefinition;
  /** The policy's name in the results, unique among those compared. */
  readonly label: string;
  /** Times the iteration time of the engines; policies are told the profile's own. Absent: 1. */
  readonly iterationFactor?: number;
  /** Where the passes of our own brain are written for `forewarm replay`. */
  readonly record?: string;
}

export interface SimRun {
  readonly result: SimResult;
  /** What the policy expected at each look; empty when it does not say. */
  readonly forecasts: readonly ForecastPoint[];
}

export type OnTick = (tick: SimTick, answer: PolicyAnswer) => void | Promise<void>;
/** Told of the process of an external policy: it leads a group of its own. */
export type OnProcess = (pid: number) => void;

/** A policy that answers at once, or one that must be waited for. */
interface Decider extends PolicyCadence {
  /** Present for an oracle: GPU-hours that nobody undercuts. */
  readonly leastGpuHours?: number;
  decide(view: PolicyView): PolicyAnswer | Promise<PolicyAnswer>;
  close?(): Promise<void>;
}

export interface RunHelpers {
  readonly onProcess?: OnProcess;
  /** The plan that oracles follow; whoever runs several of one scenario keeps it. Absent: searched. */
  readonly foreseen?: (truth: ScenarioOptions) => Foresight;
}

/** Runs a job to its end. `onTick` is told of each look of the policy; when it answers a promise the run waits for it, and is the same. */
export async function runJob(
  job: SimulationJob,
  onTick: OnTick,
  { onProcess, foreseen = foresee }: RunHelpers = {},
): Promise<SimRun> {
  const log = job.record === undefined ? undefined : new DecisionLog(job.record);
  try {
    const onPass: OnPass = (input, output, before) => log?.record(input, output, before);
    const { definition } = job;
    const policy =
      definition.kind === 'Oracle'
        ? oracleOf(definition, foreseen(trueScenario(job)))
        : await policyOf({ ...job, definition }, onPass, onProcess);
    try {
      return await runPolicy(job, policy, onTick);
    } finally {
      await policy.close?.();
    }
  } finally {
    log?.close();
  }
}

async function runPolicy(job: SimulationJob, policy: Decider, onTick: OnTick): Promise<SimRun> {
  const { iterationFactor = 1, label } = job;
  const truth = scenarioOf(trueScenario(job));
  const run = simulate(truth, policy);
  const forecasts: ForecastPoint[] = [];
  let step = run.next();
  while (step.done !== true) {
    const said = policy.decide(step.value.view);
    const answer = said instanceof Promise ? await said : said;
    forecasts.push(...forecastOf(step.value, answer));
    const pause = onTick(step.value, answer);
    if (pause !== undefined) await pause;
    step = run.next(answer);
  }
  const bound = policy.leastGpuHours === undefined ? {} : { isRealisable: false, leastGpuHours: policy.leastGpuHours };
  const { coldStartSeconds } = truth;
  return { result: { ...step.value, policy: label, coldStartSeconds, iterationFactor, ...bound }, forecasts };
}

/** The engines as they are, whatever the policies were told. */
function trueScenario({ scenario, iterationFactor = 1 }: SimulationJob): ScenarioOptions {
  return { ...scenario, profile: withIterationFactor(scenario.profile, iterationFactor) };
}

function forecastOf({ progress }: SimTick, { report }: PolicyAnswer): readonly ForecastPoint[] {
  if (report?.forecast === undefined) return [];
  const { horizonSeconds, level, upper } = report.forecast;
  return [{ t: progress.seconds, horizonSeconds, level, upper }];
}

async function policyOf(
  job: SimulationJob & { readonly definition: Exclude<RunDefinition, OracleDefinition> },
  onPass: OnPass,
  started?: OnProcess,
): Promise<Decider> {
  const { definition } = job;
  const scenario = scenarioOf(job.scenario);
  if (definition.kind === 'ExternalPolicy') {
    return ExecPolicy.open({ definition, scenario, ...(started === undefined ? {} : { started }) });
  }
  const { minReplicas, maxReplicas, seed } = scenario;
  return createPolicy(definition, { minReplicas, maxReplicas, seed }, poolTold(scenario), onPass);
}

function oracleOf({ knows }: OracleDefinition, { plan, leastGpuHours, serving }: Foresight): Decider {
  const policy = knows === 'Arrivals' ? createOracle(plan) : createReactiveOracle(plan, serving);
  return Object.assign(policy, { leastGpuHours });
}

/** What an autoscaler object would tell our brain of the simulated pool; bounds and tunables come from the setting and the policy file. */
function poolTold(scenario: Scenario): PoolTold {
  const { profile, objectives } = scenario;
  return {
    targets: [
      {
        target: simTarget,
        minReplicas: replicas(scenario.minReplicas),
        maxReplicas: replicas(scenario.maxReplicas),
        gpusPerReplica: profile.gpusPerReplica,
        profile,
      },
    ],
    objectives: {
      timeToFirstToken: { percentile: 95, milliseconds: milliseconds(objectives.ttftMs) },
      interTokenLatency: { percentile: 95, milliseconds: milliseconds(objectives.itlMs) },
      attainmentPercent: 99,
    },
    behavior: defaultBehavior,
    warmth: { mode: 'Act', artifact: simArtifact(profile), floorCopies: 0 },
  };
}
