import type { PolicyView } from '../policies/policy.ts';
import type { SimResult } from '../result.ts';
import { type Scenario, type ScenarioOptions, scenarioOf } from '../scenario.ts';
import { runSimulation } from '../simulation.ts';
import { type BinLoad, binLoads, binNeeds, binSeconds, leastGpuHours, smoothed } from './bin-loads.ts';
import { createOracle, type Serving } from './policies.ts';
import { type OraclePlan, planOf } from './plan.ts';

/** The share of requests inside their objectives that the oracle holds. */
const heldShare = 0.99;
/** Where even the maximum, all the time, attains less (long prompts miss on an idle replica), this part of what that attains. */
const attainablePart = 0.999;

export interface Foresight {
  readonly plan: OraclePlan;
  readonly attainment: number | null;
  readonly gpuHours: number;
  /** Work / capacity: nobody pays less. */
  readonly leastGpuHours: number;
  readonly serving: Serving;
}

interface Trial {
  readonly isHeld: boolean;
  readonly needs: readonly number[];
  readonly plan: OraclePlan;
  readonly result: SimResult;
}

/** Between a fill that holds and one that does not: first steps, and how often the gap is halved. */
const stride = 1.3;
const fills = { least: 0.2, most: 6 } as const;
const halvings = 3;
const repairs = 6;

/**
 * Sizes the true arrivals: the fullest that replicas may be so that the simulated fleet still holds the objectives, and from there, one step fuller,
 * more replicas only in the bins where requests missed. The cheapest plan that holds is the oracle's. `onTrial` is told of each simulation, of which
 * there are some twenty.
 */
export function foresee(options: ScenarioOptions, onTrial: () => void = () => undefined): Foresight {
  const scenario = scenarioOf({ ...options, timelineStepSeconds: binSeconds });
  const loads = binLoads(scenario);
  const trials = new Trials(scenario, onTrial);
  trials.run(loads.map(() => scenario.maxReplicas));
  // Where bins hold enough requests both are the same.
  for (const sized of new Set([loads, smoothed(loads)])) search(sized, trials, scenario);
  const { plan, result } = trials.best();
  return {
    plan,
    attainment: result.attainment,
    gpuHours: result.gpuHours,
    leastGpuHours: leastGpuHours(loads, scenario),
    serving: {
      scrapeIntervalSeconds: scenario.scrapeIntervalSeconds,
      leadSeconds: scenario.coldStartSeconds,
      rates: loads.map(({ rate }) => rate),
      replicaRates: loads.map(({ replicaRate }) => replicaRate),
      maxReplicas: scenario.maxReplicas,
    },
  };
}

function search(loads: readonly BinLoad[], trials: Trials, scenario: Scenario): void {
  const at = (fill: number): Trial => trials.run(binNeeds(loads, fill, scenario));
  at(1);
  const tooFull = fullest(at);
  if (tooFull !== undefined) repaired(tooFull, trials, scenario);
}

/** The least full trial that fails, next to one that holds; `undefined`: nothing fails. */
function fullest(at: (fill: number) => Trial): Trial | undefined {
  let fill = 1;
  let trial = at(fill);
  const { isHeld } = trial;
  const step = isHeld ? stride : 1 / stride;
  let failed = isHeld ? undefined : trial;
  let low = fill;
  while (trial.isHeld === isHeld && fill > fills.least && fill < fills.most) {
    low = fill;
    fill *= step;
    trial = at(fill);
    if (!trial.isHeld) failed = trial;
  }
  let [holding, failing] = isHeld ? [low, fill] : [fill, low];
  for (let i = 0; i < halvings; i++) {
    const middle = Math.sqrt(holding * failing);
    trial = at(middle);
    if (trial.isHeld) holding = middle;
    else [failing, failed] = [middle, trial];
  }
  return failed;
}

function repaired(tooFull: Trial, trials: Trials, scenario: Scenario): void {
  let trial = tooFull;
  for (let i = 0; i < repairs && !trial.isHeld; i++) {
    const needs = raised(trial, scenario);
    if (needs.every((need, bin) => need === trial.needs[bin])) return;
    trial = trials.run(needs);
  }
}

/** One more, or five of a hundred, wherever requests missed: from the bin in which they came to that in which they were served. */
function raised({ needs, result }: Trial, { objectives, maxReplicas }: Scenario): readonly number[] {
  const { t, ttftP95, itlP95, queued } = result.timeline;
  const missing = new Set<number>();
  t.forEach((seconds, point) => {
    const bin = Math.ceil(seconds / binSeconds) - 1;
    const ttft = ttftP95[point] ?? ((queued[point] ?? 0) > 0 ? objectives.ttftMs : 0);
    const isLate = ttft * 1000 > objectives.ttftMs;
    if (!isLate && (itlP95[point] ?? 0) * 1000 <= objectives.itlMs) return;
    for (let late = bin - (isLate ? Math.ceil(ttft / binSeconds) : 0); late <= bin; late++) missing.add(late);
  });
  const more = (need: number): number => Math.min(maxReplicas, need + Math.max(1, Math.floor(need * 0.05)));
  return needs.map((need, bin) => (missing.has(bin) ? more(need) : need));
}

/** Plans that were simulated, the maximum all the time first. Lead times are learnt from one to the next: the k-th start draws the same durations in each. */
class Trials {
  readonly #scenario: Scenario;
  readonly #leads = new Map<number, number>();
  readonly #tried: Trial[] = [];
  readonly #onTrial: () => void;
  #target: number | undefined;

  constructor(scenario: Scenario, onTrial: () => void) {
    this.#scenario = scenario;
    this.#onTrial = onTrial;
  }

  run(needs: readonly number[]): Trial {
    const usual = this.#usual();
    const plan = planOf(needs, { usual, of: (k) => this.#leads.get(k) ?? usual });
    const policy = createOracle(plan, (view) => this.#learn(view, plan.sizes[0] ?? 0));
    const result = runSimulation(this.#scenario, policy);
    const trial = { needs, plan, result, isHeld: this.#holds(result) };
    this.#tried.push(trial);
    this.#onTrial();
    return trial;
  }

  /** The cheapest that holds; the first of equals. */
  best(): Trial {
    const [first] = this.#tried
      .filter(({ isHeld }) => isHeld)
      .toSorted((a, b) => a.result.gpuHours - b.result.gpuHours);
    if (first === undefined) throw new Error('no plan was tried');
    return first;
  }

  /** The first plan is the maximum all the time: nobody attains more. */
  #holds({ attainment }: SimResult): boolean {
    this.#target ??= Math.min(heldShare, attainablePart * (attainment ?? 1));
    return attainment === null || attainment >= this.#target;
  }

  #learn({ seen }: PolicyView, initial: number): void {
    for (const { id, milestones } of seen.targets[0]?.replicas ?? []) {
      const k = Number(id.replace('uid-', '')) - initial;
      const { orderedAt, readyAt } = milestones;
      if (k >= 0 && orderedAt !== undefined && readyAt !== undefined) this.#leads.set(k, (readyAt - orderedAt) / 1000);
    }
  }

  #usual(): number {
    const known = [...this.#leads.values()].toSorted((a, b) => a - b);
    return known[Math.floor(known.length / 2)] ?? this.#scenario.coldStartSeconds;
  }
}
