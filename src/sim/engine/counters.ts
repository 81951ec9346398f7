import type { LatencyHistograms } from './latency-histograms.ts';
import type { LogHistogram } from './log-histogram.ts';
import type { Sequence } from './sequence.ts';

/** What the engine's metrics page says at one time. Counters are cumulative, times in seconds. */
export interface ReplicaSnapshot extends CounterReading {
  readonly waiting: number;
  readonly running: number;
  /** Share of KV blocks in use, 0 to 1. */
  readonly kvUse: number;
  readonly kvCapacityTokens: number;
  readonly maxRunning: number;
}

export interface CounterReading {
  readonly finishedTotal: number;
  readonly promptTokensTotal: number;
  readonly cachedPromptTokensTotal: number;
  readonly outputTokensTotal: number;
  readonly preemptionsTotal: number;
  readonly ttftSecondsSum: number;
  readonly ttftCount: number;
  readonly itlSecondsSum: number;
  readonly itlCount: number;
  readonly queueSecondsSum: number;
  readonly queueCount: number;
}

/** The engine's cumulative counters, milliseconds inside. */
export class Counters {
  finished = 0;
  preemptions = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;
  #ttftMs = 0;
  #ttftCount = 0;
  #itlMs = 0;
  #itlCount = 0;
  #queueMs = 0;
  #queueCount = 0;
  readonly #tau0: number;
  readonly #itl: LogHistogram | undefined;
  readonly #histograms: LatencyHistograms | undefined;

  constructor(tau0: number, itl: LogHistogram | undefined, histograms?: LatencyHistograms) {
    this.#tau0 = tau0;
    this.#itl = itl;
    this.#histograms = histograms;
  }

  /** The last token came out. */
  completed(sequence: Sequence, atMs: number): void {
    this.finished++;
    this.#histograms?.requestLatency.add(atMs - sequence.submittedMs + this.#tau0, 1);
  }

  /** One decode iteration of `count` sequences. */
  decoded(count: number, spanMs: number): void {
    this.#outputTokens += count;
    this.#itlMs += count * spanMs;
    this.#itlCount += count;
    this.#itl?.add(spanMs, count);
    this.#histograms?.interTokenLatency.add(spanMs, count);
  }

  /** A run of `iterations` of which the first takes `first` and each next one `step` more. */
  decodedRun(count: number, iterations: number, spanMs: number): void {
    this.#outputTokens += count * iterations;
    this.#itlMs += count * spanMs;
    this.#itlCount += count * iterations;
  }

  /** The first token came out, or the first after a preemption: that gap reaches back to the last token. */
  prefilled(sequence: Sequence, atMs: number): void {
    this.#outputTokens++;
    if (sequence.firstTokenMs >= 0) return this.#resumed(sequence, atMs);
    this.#ttftMs += atMs - sequence.submittedMs + this.#tau0;
    this.#ttftCount++;
    this.#histograms?.timeToFirstToken.add(atMs - sequence.submittedMs + this.#tau0, 1);
    this.#promptTokens += sequence.promptTokens;
    this.#cachedTokens += sequence.cachedTokens;
  }

  /** Admitted; only the first time counts as waiting. */
  scheduled(sequence: Sequence, atMs: number): void {
    if (sequence.scheduledMs >= 0) return;
    sequence.scheduledMs = atMs;
    this.#queueMs += atMs - sequence.submittedMs;
    this.#queueCount++;
  }

  read(): CounterReading {
    return {
      finishedTotal: this.finished,
      promptTokensTotal: this.#promptTokens,
      cachedPromptTokensTotal: this.#cachedTokens,
      outputTokensTotal: this.#outputTokens,
      preemptionsTotal: this.preemptions,
      ttftSecondsSum: this.#ttftMs / 1000,
      ttftCount: this.#ttftCount,
      itlSecondsSum: this.#itlMs / 1000,
      itlCount: this.#itlCount,
      queueSecondsSum: this.#queueMs / 1000,
      queueCount: this.#queueCount,
    };
  }

  #resumed(sequence: Sequence, atMs: number): void {
    const gap = atMs - sequence.lastTokenMs;
    sequence.lastTokenMs = -1;
    this.#itlMs += gap;
    this.#itlCount++;
    this.#itl?.add(gap, 1);
    this.#histograms?.interTokenLatency.add(gap, 1);
  }
}
