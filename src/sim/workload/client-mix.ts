import { RandomStream } from '../rng.ts';
import {
  type ClientGaps,
  type ClientRates,
  type ClientTokens,
  type GapFamily,
  pool,
  type TokenWindow,
} from './client-tables.ts';
import { ColumnBuilder } from './columns.ts';
import { conversationLengths } from './lengths.ts';
import { QuantileSampler } from './quantiles.ts';
import type { RateSeries } from './rate-series.ts';
import { rateSource } from './rate-source.ts';
import { scaleRate, scaleTime } from './scale.ts';
import { assertDrawable, type Part, type WorkloadSource } from './source.ts';
import type { Workload } from './workload.ts';

export interface ClientTables {
  readonly name: string;
  readonly rates: ClientRates;
  readonly gaps: ClientGaps;
  readonly tokens: ClientTokens;
}

/**
 * Traffic as the sum of its clients, as ServeGen describes it: each client has its rate in each window, its own burstiness, its own lengths. A window of
 * a client is the same in whatever part it is drawn.
 */
export function clientMix(tables: ClientTables): WorkloadSource {
  const { at } = tables.rates;
  const windowSeconds = (at[1] ?? 1) - (at[0] ?? 0);
  const durationSeconds = (at.at(-1) ?? 0) + windowSeconds;
  const uncovered = tables.rates.clients.filter((client) => !tables.tokens.has(client)).length;
  return {
    name: tables.name,
    durationSeconds,
    notes: [
      `A mix of ${tables.rates.clients.length} clients in windows of ${windowSeconds} s, drawn from their rates, gaps and quantiles of lengths.`,
      ...(uncovered === 0
        ? []
        : [`${uncovered} of them have no lengths of their own: theirs are drawn from the pool's.`]),
    ],
    outline: rateSource(totals(tables, windowSeconds), conversationLengths).outline,
    draw(part) {
      const to = Math.min(part.to, durationSeconds);
      const thinned = new Mix(tables, windowSeconds, { ...part, to }).draw();
      return scaleRate(scaleTime(thinned, part.timeScale), Math.max(1, part.rateScale), part.seed);
    },
  };
}

/** What all clients together ask. */
function totals({ name, rates }: ClientTables, stepSeconds: number): RateSeries {
  const value = rates.rates.map(totalOf);
  return { name, at: rates.at, value, stepSeconds, column: 'all clients', unit: 'per-second', missing: 0 };
}

function totalOf(rates: Float64Array): number {
  return rates.reduce((sum, rate) => sum + rate, 0);
}

class Mix {
  readonly #tables: ClientTables;
  readonly #windowSeconds: number;
  readonly #part: Part;
  readonly #share: number;
  readonly #columns = new ColumnBuilder();
  readonly #samplers = new Map<TokenWindow, { readonly input: QuantileSampler; readonly output: QuantileSampler }>();

  constructor(tables: ClientTables, windowSeconds: number, part: Part) {
    this.#tables = tables;
    this.#windowSeconds = windowSeconds;
    this.#part = part;
    this.#share = Math.min(1, part.rateScale);
  }

  draw(): Workload {
    const { name, rates } = this.#tables;
    const { from, to } = this.#part;
    const windows = [...rates.at.entries()].filter(([, at]) => at + this.#windowSeconds > from && at < to);
    const perSecond = windows.map(([row]) => totalOf(rates.rates[row] ?? new Float64Array()));
    const requests = perSecond.reduce((sum, rate) => sum + rate * this.#windowSeconds, 0);
    assertDrawable(name, (requests * this.#part.rateScale * (to - from)) / (windows.length * this.#windowSeconds));
    for (const [row, at] of windows) {
      for (const [i, client] of rates.clients.entries()) this.#drawWindow(client, at, rates.rates[row]?.[i] ?? 0);
    }
    return this.#columns.workload(name, Math.max(0, to - from));
  }

  #drawWindow(client: string, at: number, rate: number): void {
    if (rate === 0) return;
    const { seed, from, to } = this.#part;
    const stream = new RandomStream(seed, `clients/${client}/${at}`);
    const { input, output } = this.#lengths(client, at);
    const count = Math.floor(rate * this.#windowSeconds + stream.uniform());
    for (const seconds of arrivals(stream, count, this.#tables.gaps.get(client)?.get(at))) {
      const time = at + seconds * this.#windowSeconds;
      const isKept = stream.uniform() < this.#share;
      const promptTokens = input.draw(stream);
      const outputTokens = output.draw(stream);
      if (!isKept || time < from || time >= to) continue;
      this.#columns.push({ arrivalMs: (time - from) * 1000, promptTokens, outputTokens });
    }
  }

  /** Of the window that holds the time, or the nearest there is. */
  #lengths(client: string, at: number): { readonly input: QuantileSampler; readonly output: QuantileSampler } {
    const { tokens } = this.#tables;
    const windows = tokens.get(client) ?? tokens.get(pool) ?? [];
    const window = windows.findLast((one) => one.at <= at) ?? windows[0];
    if (window === undefined) throw new RangeError(`client ${client} must have lengths`);
    const known = this.#samplers.get(window);
    if (known !== undefined) return known;
    const made = { input: new QuantileSampler(window.input), output: new QuantileSampler(window.output) };
    this.#samplers.set(window, made);
    return made;
  }
}

/** `count` times from 0 to 1 with gaps of the family; without one, of a Poisson process. */
function arrivals(stream: RandomStream, count: number, family: GapFamily | undefined): readonly number[] {
  const times: number[] = [];
  let at = 0;
  for (let i = 0; i <= count; i++) {
    at += gap(stream, family);
    times.push(at);
  }
  times.pop();
  return at > 0 ? times.map((time) => time / at) : times;
}

function gap(stream: RandomStream, family: GapFamily | undefined): number {
  if (family === undefined) return stream.exponential(1);
  if (family.family === 'Weibull') return stream.exponential(1) ** (1 / family.shape);
  return gamma(stream, family.shape);
}

/** Marsaglia and Tsang; below shape 1 by the next shape and a power of a uniform. */
function gamma(stream: RandomStream, shape: number): number {
  if (shape < 1) return gamma(stream, shape + 1) * (1 - stream.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = stream.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - stream.uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
