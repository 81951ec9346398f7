import { priorities } from './agenda.ts';
import type { PolicyAnswer, PolicyView, SimulatedPolicy } from './policies/policy.ts';
import { summaryOfHistogram } from './quantile.ts';
import type { DecisionPoint, SimResult } from './result.ts';
import { type Scenario, type ScenarioOptions, scenarioOf } from './scenario.ts';
import { turnsOf } from './turns.ts';
import { World } from './world.ts';

/** The policy under test as the simulation needs to know it. */
export type PolicyCadence = Pick<SimulatedPolicy, 'name' | 'tickSeconds' | 'initialReplicas' | 'readsHistograms'>;

/** Where a run stands, for progress bars and live tables; never shown to policies. */
export interface SimProgress {
  readonly seconds: number;
  readonly durationSeconds: number;
  readonly arrivals: number;
  readonly completed: number;
  readonly shed: number;
  readonly lost: number;
}

export interface SimTick {
  readonly view: PolicyView;
  readonly progress: SimProgress;
}

/** Yields at each tick of the policy and takes its answer; returns the result when the trace has ended and the fleet is drained. */
export function* simulate(
  options: ScenarioOptions,
  policy: PolicyCadence,
): Generator<SimTick, SimResult, PolicyAnswer> {
  const run = new Run(scenarioOf(options), policy);
  while (run.proceed()) run.take(yield run.tick());
  return run.result();
}

/** Runs a policy that answers at once. */
export function runSimulation(options: ScenarioOptions, policy: SimulatedPolicy): SimResult {
  const simulation = simulate(options, policy);
  let next = simulation.next();
  while (next.done !== true) next = simulation.next(policy.decide(next.value.view));
  return next.value;
}

/** One run: the world, whose turn it is, and what was decided. Ticks go on after the trace's end for as long as requests are open. */
class Run {
  readonly #scenario: Scenario;
  readonly #policy: PolicyCadence;
  readonly #world: World;
  readonly #endMs: number;
  readonly #decisions: DecisionPoint[] = [];
  #isTickDue = false;
  #isOver = false;

  constructor(scenario: Scenario, policy: PolicyCadence) {
    this.#scenario = scenario;
    this.#policy = policy;
    this.#endMs = scenario.workload.durationSeconds * 1000;
    const initial = policy.initialReplicas ?? scenario.initialReplicas;
    const size = Math.min(scenario.maxReplicas, Math.max(scenario.minReplicas, initial));
    this.#world = new World(scenario, size, policy.readsHistograms);
    this.#scheduleTick(policy.tickSeconds * 1000);
    this.#world.agenda.schedule(this.#endMs, priorities.timeline, (at) => this.#endIfDrained(at));
  }

  /** Lets time pass to the next tick; false when the run is over. */
  proceed(): boolean {
    this.#isTickDue = false;
    while (!this.#isTickDue && !this.#isOver) this.#world.step();
    return !this.#isOver;
  }

  tick(): SimTick {
    const { ledger, agenda } = this.#world;
    const { arrivals, completed, shed, lost } = ledger;
    const { durationSeconds } = this.#scenario.workload;
    return {
      view: this.#world.view(),
      progress: { seconds: agenda.now / 1000, durationSeconds, arrivals, completed, shed, lost },
    };
  }

  take(answer: PolicyAnswer): void {
    const now = this.#world.agenda.now;
    for (const action of answer.actions) this.#world.perform(action);
    const from = this.#world.spec;
    const to = answer.replicas === undefined ? from : this.#world.scale(answer.replicas);
    if (to !== from && now <= this.#endMs) {
      const report = answer.report === undefined ? {} : { report: answer.report };
      this.#decisions.push({ t: now / 1000, from, to, because: answer.because, ...report });
    }
    this.#scheduleTick(now + this.#policy.tickSeconds * 1000);
  }

  result(): SimResult {
    const { ledger, cluster, itl, timeline, preemptions, gpuTime } = this.#world;
    const decisions = this.#decisions;
    return {
      policy: this.#policy.name,
      seed: this.#scenario.seed,
      durationSeconds: this.#scenario.workload.durationSeconds,
      arrivals: ledger.arrivals,
      completed: ledger.completed,
      shed: ledger.shed,
      lost: ledger.lost,
      lostOnScaleDown: ledger.lostOnScaleDown,
      attainment: ledger.arrivals === 0 ? null : ledger.attained / ledger.arrivals,
      ttft: ledger.ttft(),
      itl: summaryOfHistogram(itl),
      e2e: ledger.e2e(),
      gpuHours: this.#world.gpuMs(this.#endMs) / 3_600_000,
      gpuHoursBy: gpuTime,
      replicaChanges: decisions.length,
      directionChanges: turnsOf(decisions).length,
      peakReplicas: cluster.peakReplicas,
      coldStarts: cluster.coldStarts,
      warmStarts: cluster.warmStarts,
      preemptions,
      ...(this.#scenario.disaggregation === undefined ? {} : { isValidated: false }),
      timeline: timeline.timeline,
      decisions,
    };
  }

  #scheduleTick(atMs: number): void {
    this.#world.agenda.schedule(atMs, priorities.policy, () => {
      this.#isTickDue = true;
    });
  }

  /** After the trace's end, each second: over when nothing is open, or when it took too long (what is open then is lost). */
  #endIfDrained(atMs: number): void {
    const { ledger, agenda } = this.#world;
    this.#world.settle();
    if (ledger.open > 0 && atMs < this.#endMs + this.#scenario.drainSeconds * 1000) {
      agenda.schedule(atMs + 1000, priorities.timeline, (at) => this.#endIfDrained(at));
      return;
    }
    this.#world.close();
    ledger.countLost(ledger.open);
    this.#isOver = true;
  }
}
