import { ok, problem, type Result } from '../../core/model/result.ts';
import { amount, cellsOf } from './cells.ts';
import type { Quantiles } from './quantiles.ts';

/** A client's requests per second over time; blank is 0. */
export interface ClientRates {
  readonly clients: readonly string[];
  /** Seconds since the start, rising. */
  readonly at: readonly number[];
  /** By time, then client. */
  readonly rates: readonly Float64Array[];
}

/** Whether a header is that of a matrix of client rates: `t_s` and then clients. */
export function isClientHeader(cells: readonly string[]): boolean {
  return cells[0] === 't_s' && cells.length > 1 && cells.slice(1).every((cell) => /^c\d+$/.test(cell));
}

export class ClientRatesParser {
  #clients: readonly string[] | undefined;
  readonly #at: number[] = [];
  readonly #rates: Float64Array[] = [];

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    if (this.#clients !== undefined) return this.#readRow(cells, this.#clients);
    if (!isClientHeader(cells)) return problem('header', line.slice(0, 120), "'t_s' and then clients, 'c0' and so on");
    this.#clients = cells.slice(1);
    return ok(undefined);
  }

  finish(): Result<ClientRates> {
    if (this.#clients === undefined) return problem('header', 'an empty file', "'t_s' and then clients");
    if (this.#at.length < 2)
      return problem('rows', this.#at.length, 'at least two: the time between them is the window');
    return ok({ clients: this.#clients, at: this.#at, rates: this.#rates });
  }

  #readRow(cells: readonly string[], clients: readonly string[]): Result<undefined> {
    if (cells.length !== clients.length + 1) {
      return problem('columns', cells.length, `${clients.length + 1} cells as in the header`);
    }
    const time = amount('t_s', cells[0] ?? '');
    if (!time.ok) return time;
    if (time.value <= (this.#at.at(-1) ?? -1)) return problem('t_s', cells[0], 'later than the row before');
    const rates = new Float64Array(clients.length);
    for (const [i, client] of clients.entries()) {
      const cell = cells[i + 1] ?? '';
      if (cell === '') continue;
      const rate = amount(client, cell);
      if (!rate.ok) return rate;
      rates[i] = rate.value;
    }
    this.#at.push(time.value);
    this.#rates.push(rates);
    return ok(undefined);
  }
}

/** The family that the gaps between a client's requests are drawn from in one window. */
export interface GapFamily {
  readonly family: 'Gamma' | 'Weibull';
  readonly shape: number;
}

/** By client, then by the window's start in seconds. */
export type ClientGaps = ReadonlyMap<string, ReadonlyMap<number, GapFamily>>;

export class ClientGapsParser {
  readonly #gaps = new Map<string, Map<number, GapFamily>>();
  #hasHeader = false;

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    if (!this.#hasHeader) {
      this.#hasHeader = true;
      const isIt = cells[0] === 'client' && cells[1] === 't_s' && cells.length === 5;
      return isIt ? ok(undefined) : problem('header', line.slice(0, 120), "'client,t_s,iat_cv,family,shape'");
    }
    return this.#readRow(cells);
  }

  finish(): Result<ClientGaps> {
    return ok(this.#gaps);
  }

  #readRow(cells: readonly string[]): Result<undefined> {
    if (cells.length !== 5) return problem('columns', cells.length, '5 cells as in the header');
    const [client, at, , family, shape] = cells;
    const time = amount('t_s', at ?? '');
    if (!time.ok) return time;
    const gap = gapFamily(family ?? '', shape ?? '');
    if (!gap.ok) return gap;
    const windows = this.#gaps.get(client ?? '') ?? new Map<number, GapFamily>();
    this.#gaps.set(client ?? '', windows.set(time.value, gap.value));
    return ok(undefined);
  }
}

function gapFamily(letter: string, shape: string): Result<GapFamily> {
  const family = letter === 'G' ? 'Gamma' : letter === 'W' ? 'Weibull' : undefined;
  if (family === undefined) return problem('family', letter, "'G' (Gamma) or 'W' (Weibull)");
  const read = amount('shape', shape);
  if (!read.ok) return read;
  return read.value < 0.001 ? problem('shape', shape, 'at least 0.001') : ok({ family, shape: read.value });
}

/** Token counts in one window of a client or of the pool. */
export interface TokenWindow {
  readonly at: number;
  readonly input: Quantiles;
  readonly output: Quantiles;
}

/** By client, windows in order of time; the pool's under the name `pool`. */
export type ClientTokens = ReadonlyMap<string, readonly TokenWindow[]>;
export const pool = 'pool';

/**
 * Quantiles of token counts, in either form: a row for a client and window with `field,mean,p5,...,p99` for each field, or a row for a window and
 * field of the whole pool (`t_s,field,requests,mean,p5,...`).
 */
export class ClientTokensParser {
  readonly #tokens = new Map<string, TokenWindow[]>();
  /** Of the pool's form: the input row of a window, until its output row comes. */
  #half: { readonly at: number; readonly input: Quantiles } | undefined;
  #form: 'clients' | 'pool' | undefined;

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    if (this.#form === 'clients') return this.#readClient(cells);
    if (this.#form === 'pool') return this.#readPool(cells);
    if (cells[0] === 'client' && cells[3] === 'field') this.#form = 'clients';
    else if (cells[0] === 't_s' && cells[1] === 'field') this.#form = 'pool';
    else return problem('header', line.slice(0, 120), "'client,t_s,requests,field,...' or 't_s,field,requests,...'");
    return ok(undefined);
  }

  finish(): Result<ClientTokens> {
    return this.#tokens.size > 0 ? ok(this.#tokens) : problem('rows', 0, 'at least one window of tokens');
  }

  #readClient([client = '', at = '', , ...fields]: readonly string[]): Result<undefined> {
    const time = amount('t_s', at);
    if (!time.ok) return time;
    const input = quantilesOf('input', fields);
    if (!input.ok) return input;
    const output = quantilesOf('output', fields);
    if (!output.ok) return output;
    this.#add(client, { at: time.value, input: input.value, output: output.value });
    return ok(undefined);
  }

  #readPool([at = '', field = '', , ...numbers]: readonly string[]): Result<undefined> {
    const time = amount('t_s', at);
    if (!time.ok) return time;
    const read = quantilesOf(field, [field, ...numbers]);
    if (!read.ok) return read;
    if (field === 'input_tokens') this.#half = { at: time.value, input: read.value };
    if (field !== 'output_tokens') return ok(undefined);
    if (this.#half?.at !== time.value) return problem('field', field, 'after the row input_tokens of its window');
    this.#add(pool, { ...this.#half, output: read.value });
    return ok(undefined);
  }

  #add(client: string, window: TokenWindow): void {
    const windows = this.#tokens.get(client);
    if (windows === undefined) this.#tokens.set(client, [window]);
    else windows.push(window);
  }
}

function quantilesOf(field: string, cells: readonly string[]): Result<Quantiles> {
  const at = cells.indexOf(field);
  if (at < 0) return problem('field', cells[0] ?? '', `'${field}' among the fields of the row`);
  const numbers: number[] = [];
  for (const cell of cells.slice(at + 1, at + 8)) {
    const read = amount(field, cell);
    if (!read.ok) return read;
    numbers.push(read.value);
  }
  const [mean = 0, ...values] = numbers;
  if (values.length === 6) return ok({ mean, values });
  return problem(field, numbers.length, 'the mean and six quantiles, p5 to p99');
}
