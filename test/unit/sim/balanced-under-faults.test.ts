import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/config/policy-file.ts';
import type { PolicyDefinition } from '../../../src/core/model/policy-definition.ts';
import type { ReplicaPhase } from '../../../src/core/model/pool.ts';
import type { Sample } from '../../../src/core/model/sample.ts';
import type { Fault } from '../../../src/core/model/simulated-fault.ts';
import { createPolicy } from '../../../src/sim/policies/index.ts';
import type { SimulatedPolicy } from '../../../src/sim/policies/policy.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { type ScenarioOptions, simArtifact, simTarget } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { type Workload, workloadOf } from '../../../src/sim/workload/workload.ts';
import { poolPolicy, targetPolicy } from '../../support/builders.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson } from '../../support/simulations.ts';

const definition = await balanced();
const profile = profileWith({ maxNumSeqs: 4 });

async function balanced(): Promise<PolicyDefinition> {
  const parsed = parsePolicy(await readFile(new URL('../../../policies/balanced.yaml', import.meta.url), 'utf8'));
  if (!parsed.ok) throw new TypeError('policies/balanced.yaml must be valid');
  return parsed.value;
}

/** Requests a second from each of these seconds on. */
function steps(rates: Readonly<Record<number, number>>, seconds: number): Workload {
  const starts = Object.keys(rates).map(Number);
  const rows = starts.flatMap((from, i) => {
    const part = poisson({ rate: rates[from] ?? 0, seconds: (starts[i + 1] ?? seconds) - from, seed: from + 1 });
    return [...part.arrivalMs].map((at, k) => ({
      arrivalMs: at + from * 1000,
      promptTokens: part.promptTokens[k] ?? 1,
      outputTokens: part.outputTokens[k] ?? 1,
    }));
  });
  return workloadOf('steps', rows, seconds);
}

interface Look {
  readonly seconds: number;
  readonly spec: number;
  readonly phases: readonly ReplicaPhase[];
  /** Replicas of which nothing was read for a minute. */
  readonly dark: number;
}

interface Ran {
  readonly result: SimResult;
  readonly looks: readonly Look[];
}

function run(workload: Workload, faults: readonly Fault[], options: Partial<ScenarioOptions> = {}): Ran {
  const setting = { minReplicas: 1, maxReplicas: 12, seed: 1 };
  const pool = poolPolicy({
    targets: [targetPolicy({ target: simTarget, profile, gpusPerReplica: 1 })],
    warmth: { mode: 'Act', artifact: simArtifact(profile), floorCopies: 0 },
  });
  const policy = createPolicy(definition, setting, pool);
  const looks: Look[] = [];
  const watched: SimulatedPolicy = {
    name: policy.name,
    tickSeconds: policy.tickSeconds,
    decide: (view) => {
      const target = view.seen.targets[0];
      const phases = target?.replicas.map(({ phase }) => phase) ?? [];
      const dark = target?.replicas.filter(({ samples: { running } }) => isOld(running, view.now)).length ?? 0;
      looks.push({ seconds: view.now / 1000, spec: target?.specReplicas ?? 0, phases, dark });
      return policy.decide(view);
    },
  };
  const scenario = { workload, profile, faults, ...setting, initialReplicas: 6, ...options };
  return { result: runSimulation(scenario, watched), looks };
}

function isOld(sample: Sample, now: number): boolean {
  return sample.kind !== 'missing' && now - sample.at > 60_000;
}

type Change = readonly [seconds: number, from: number, to: number];
const changes = ({ result }: Ran, from = 0, to = Number.POSITIVE_INFINITY): readonly Change[] =>
  result.decisions.filter(({ t }) => t >= from && t <= to).map((decision) => [decision.t, decision.from, decision.to]);
const decreases = (ran: Ran, from: number, to: number): readonly Change[] =>
  changes(ran, from, to).filter(([, before, after]) => after < before);
const highest = ({ looks }: Ran): number => Math.max(...looks.map(({ spec }) => spec));

const falling = steps({ 0: 20, 500: 2 }, 2000);
/** With this seed a share of half is three of the six replicas that are there when it begins. */
const options = { seed: 2 };
const unharmed = run(falling, [], options);

describe('our policy', () => {
  /** For less than ten minutes: who is dark for longer has no veto. */
  const darkness: Readonly<Record<string, Partial<Extract<Fault, { kind: 'MetricBlackout' }>>>> = {
    'all metrics are dark': {},
    'half of the replicas are dark': { share: 0.5 },
  };
  for (const [name, given] of Object.entries(darkness)) {
    it(`does not shrink while ${name}, though the load fell`, () => {
      const dark = run(falling, [{ kind: 'MetricBlackout', fromSeconds: 500, toSeconds: 1080, ...given }], options);
      const middle = dark.looks.find(({ seconds }) => seconds === 750);
      expect(middle?.dark).toBe((given.share ?? 1) * (middle?.spec ?? 0));
      expect(decreases(unharmed, 500, 1080)).not.toStrictEqual([]);
      expect(decreases(dark, 500, 1080)).toStrictEqual([]);
      expect(decreases(dark, 1080, 2000)).not.toStrictEqual([]);
    });
  }

  it('decides the same with dead pods among the metrics as without', () => {
    const workload = steps({ 0: 15, 500: 2, 1100: 15 }, 2000);
    const options = { gracePeriodSeconds: 5 };
    const ghosts = run(
      workload,
      [{ kind: 'StaleSeries', fromSeconds: 0, toSeconds: 2000, persistSeconds: 300 }],
      options,
    );
    expect(ghosts.looks.some(({ phases }) => phases.filter((phase) => phase === 'Draining').length > 2)).toBe(true);
    expect(changes(ghosts)).toStrictEqual(changes(run(workload, [], options)));
  });

  it('orders nothing twice while what it ordered cannot be scheduled', () => {
    const workload = steps({ 0: 5, 400: 20 }, 1500);
    const full = run(workload, [{ kind: 'Unschedulable', fromSeconds: 300, toSeconds: 1200 }]);
    const waiting = full.looks.filter(({ phases }) => phases.includes('Unschedulable'));
    expect(waiting.length).toBeGreaterThan(20);
    expect(new Set(waiting.map(({ spec }) => spec)).size).toBe(1);
    expect(full.looks.at(-1)?.phases).not.toContain('Unschedulable');
  });

  it('holds its size when a node is lost, and has its replicas back on other nodes', () => {
    const fault: Fault = { kind: 'NodeLoss', fromSeconds: 600, toSeconds: 1900, nodes: [1] };
    const ran = run(steps({ 0: 15 }, 2000), [fault], { gpusPerNode: 2 });
    expect(ran.result.lost).toBeGreaterThan(0);
    expect(decreases(ran, 600, 950)).toStrictEqual([]);
    const end = ran.looks.filter(({ seconds }) => seconds <= 1900).at(-1);
    expect(end?.phases.filter((phase) => phase === 'Ready')).toHaveLength(end?.spec ?? -1);
  });

  it('takes counters that start anew for restarts, not for idleness', () => {
    // In the middle of what six replicas are for: chance does not lower the pool, only what is taken for idleness.
    const flat = steps({ 0: 19 }, 1500);
    const crashed = run(flat, [{ kind: 'EngineCrash', fromSeconds: 700, toSeconds: 720, share: 0.5 }]);
    const settled = run(flat, []).looks.find(({ seconds }) => seconds === 690)?.spec ?? 0;
    expect(crashed.result.lost).toBeGreaterThan(0);
    for (const { spec } of crashed.looks.filter(({ seconds }) => seconds > 700)) {
      expect(spec).toBeGreaterThanOrEqual(settled);
    }
  });

  it('grows with the load though its gauges are frozen', () => {
    const rising = steps({ 0: 5, 400: 20 }, 1500);
    const frozen = run(rising, [{ kind: 'FrozenGauges', fromSeconds: 390, toSeconds: 1500 }]);
    expect(highest(frozen)).toBeGreaterThanOrEqual(5);
    expect(frozen.result.attainment ?? 0).toBeGreaterThan((run(rising, []).result.attainment ?? 1) - 0.1);
  });
});
