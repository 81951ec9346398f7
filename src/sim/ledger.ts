import type { LatencySummary } from './result.ts';
import type { Scenario } from './scenario.ts';
import { summaryOf } from './quantile.ts';

/** Counts what became of each request: every arrival ends as completed, shed or lost. Times are the client's, gateway and tau0 included. */
export class Ledger {
  readonly #scenario: Scenario;
  readonly #firstTokenMs: Float64Array;
  /** Of completed requests, in order of completion. */
  readonly #ttftMs: Float64Array;
  readonly #e2eMs: Float64Array;
  #stepTtftMs: number[] = [];
  #arrivals = 0;
  #completed = 0;
  #shed = 0;
  #lost = 0;
  #lostOnScaleDown = 0;
  #attained = 0;

  constructor(scenario: Scenario) {
    const count = scenario.workload.arrivalMs.length;
    this.#scenario = scenario;
    this.#firstTokenMs = new Float64Array(count);
    this.#ttftMs = new Float64Array(count);
    this.#e2eMs = new Float64Array(count);
  }

  get arrivals(): number {
    return this.#arrivals;
  }
  get completed(): number {
    return this.#completed;
  }
  get shed(): number {
    return this.#shed;
  }
  get lost(): number {
    return this.#lost;
  }

  /** Of the lost: those that a drained replica still ran when its grace period ended. */
  get lostOnScaleDown(): number {
    return this.#lostOnScaleDown;
  }
  get attained(): number {
    return this.#attained;
  }
  /** Neither completed nor given up yet. */
  get open(): number {
    return this.#arrivals - this.#completed - this.#shed - this.#lost;
  }

  countArrival(): void {
    this.#arrivals++;
  }

  countShed(): void {
    this.#shed++;
  }

  countLost(requests: number, isScaleDown = false): void {
    this.#lost += requests;
    if (isScaleDown) this.#lostOnScaleDown += requests;
  }

  firstToken(id: number, atMs: number): void {
    this.#firstTokenMs[id] = atMs;
    this.#stepTtftMs.push(atMs - this.#arrivalMs(id) + this.#scenario.profile.tau0);
  }

  finished(id: number, atMs: number): void {
    const { profile, workload, objectives } = this.#scenario;
    const firstMs = this.#firstTokenMs[id] ?? atMs;
    const ttft = firstMs - this.#arrivalMs(id) + profile.tau0;
    const gaps = (workload.outputTokens[id] ?? 1) - 1;
    const meanItl = gaps === 0 ? 0 : (atMs - firstMs) / gaps;
    this.#ttftMs[this.#completed] = ttft;
    this.#e2eMs[this.#completed] = atMs - this.#arrivalMs(id) + profile.tau0;
    this.#completed++;
    if (ttft <= objectives.ttftMs && meanItl <= objectives.itlMs) this.#attained++;
  }

  /** Time to first token of the requests whose first token came since the last call. */
  takeStepTtft(): readonly number[] {
    const taken = this.#stepTtftMs;
    this.#stepTtftMs = [];
    return taken;
  }

  ttft(): LatencySummary | null {
    return summaryOf(this.#ttftMs.subarray(0, this.#completed));
  }

  e2e(): LatencySummary | null {
    return summaryOf(this.#e2eMs.subarray(0, this.#completed));
  }

  #arrivalMs(id: number): number {
    return this.#scenario.workload.arrivalMs[id] ?? 0;
  }
}
