import type { Reading } from '../../core/model/engines/table.ts';
import { instant, type Instant } from '../../core/model/units.ts';
import { findFamily, hashSeed, nextHash, type Selection } from './selection.ts';

/** The largest page that is read at all. */
export const maxPageBytes: number = 4 * 1024 * 1024;
const maxProblems = 16;

/** A line that breaks the format; `family` where it is one of those wanted. */
export interface LineProblem {
  readonly line: number;
  readonly family?: string;
  readonly message: string;
}

export interface Exposition {
  /** Series of the wanted families, by exact name. */
  readonly families: ReadonlyMap<string, readonly Reading[]>;
  /** Wanted families of which at least one line was broken. */
  readonly broken: ReadonlySet<string>;
  /** The first 16; `problemCount` counts all. */
  readonly problems: readonly LineProblem[];
  readonly problemCount: number;
  /** Well-formed sample lines, wanted or not: 0 on a page that is no exposition at all. */
  readonly sampleLines: number;
}

/**
 * Reads the classic text format (and what OpenMetrics adds to a line) in one pass over the bytes: every line is checked, only wanted families
 * are kept. Never throws; a broken line costs itself and nothing else.
 */
export function parseExposition(page: Uint8Array, wanted: Selection): Exposition {
  if (page.length > maxPageBytes) return oversized(page.length);
  return new Parser(page, wanted).run();
}

function oversized(bytes: number): Exposition {
  const message = `a page must have at most ${maxPageBytes} bytes, this one has ${bytes}`;
  return { families: new Map(), broken: new Set(), problems: [{ line: 0, message }], problemCount: 1, sampleLines: 0 };
}

const newline = 10;
const carriageReturn = 13;
const quote = 34;
const hash = 35;
const comma = 44;
const equals = 61;
const backslash = 92;
const braceOpen = 123;
const braceClose = 125;

/** 1: may start a name, 2: may follow in one (metric names; label names lack the colon, which does no harm). */
const nameClass = new Uint8Array(256);
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:') nameClass[c.charCodeAt(0)] = 3;
for (const c of '0123456789.-') nameClass[c.charCodeAt(0)] = 2;
const isBlank = (byte: number | undefined): boolean => byte === 32 || byte === 9;

/** Go's ParseFloat as far as exporters use it; Number() alone would take '', '0x10' and 'Infinity'. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const infinite = /^([+-]?)inf(?:inity)?$/i;

class Parser {
  readonly #page: Buffer;
  readonly #wanted: Selection;
  readonly #families = new Map<string, Reading[]>();
  readonly #broken = new Set<string>();
  readonly #problems: LineProblem[] = [];
  #problemCount = 0;
  #sampleLines = 0;
  #line = 0;
  #at = 0;
  #end = 0;
  #family: string | undefined;

  constructor(page: Uint8Array, wanted: Selection) {
    this.#page = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
    this.#wanted = wanted;
  }

  run(): Exposition {
    for (let from = 0; from < this.#page.length; ) {
      const found = this.#page.indexOf(newline, from);
      const to = found === -1 ? this.#page.length : found;
      this.#line += 1;
      this.#at = from;
      this.#end = to > from && this.#page[to - 1] === carriageReturn ? to - 1 : to;
      this.#readLine();
      from = to + 1;
    }
    return {
      families: this.#families,
      broken: this.#broken,
      problems: this.#problems,
      problemCount: this.#problemCount,
      sampleLines: this.#sampleLines,
    };
  }

  #readLine(): void {
    this.#skipBlanks();
    if (this.#at >= this.#end || this.#page[this.#at] === hash) return;
    this.#family = undefined;
    const labels = new Map<string, string>();
    const problem = this.#readName() ?? this.#readLabels(labels) ?? this.#readValue(labels);
    if (problem === undefined) this.#sampleLines += 1;
    else this.#report(problem);
  }

  #report(message: string): void {
    this.#problemCount += 1;
    if (this.#family !== undefined) this.#broken.add(this.#family);
    if (this.#problems.length >= maxProblems) return;
    const family = this.#family === undefined ? {} : { family: this.#family };
    this.#problems.push({ line: this.#line, ...family, message });
  }

  /** A line may also start with `{"quoted.name", ...}`: then the name is found among the labels. */
  #readName(): string | undefined {
    const page = this.#page;
    const from = this.#at;
    if (page[from] === braceOpen) return undefined;
    if (nameClass[page[from] ?? 0] !== 3) return `a metric name must start with a letter, was ${this.#shown(from)}`;
    let at = from;
    let sum = hashSeed;
    for (; at < this.#end && nameClass[page[at] ?? 0] !== 0; at++) sum = nextHash(sum, page[at] ?? 0);
    this.#at = at;
    this.#family = findFamily(this.#wanted.byHash.get(sum), page, from, at);
    return undefined;
  }

  #readLabels(labels: Map<string, string>): string | undefined {
    this.#skipBlanks();
    if (this.#page[this.#at] !== braceOpen) return undefined;
    this.#at += 1;
    for (;;) {
      this.#skipBlanks();
      if (this.#page[this.#at] === braceClose && this.#at < this.#end) break;
      const problem = this.#readLabel(labels);
      if (problem !== undefined) return problem;
      this.#skipBlanks();
      if (this.#at < this.#end && this.#page[this.#at] === comma) this.#at += 1;
      else if (this.#at >= this.#end || this.#page[this.#at] !== braceClose) {
        return `a label's value must be followed by ',' or '}', was ${this.#shown(this.#at)}`;
      }
    }
    this.#at += 1;
    return undefined;
  }

  #readLabel(labels: Map<string, string>): string | undefined {
    const from = this.#at;
    const isQuoted = this.#page[from] === quote;
    const nameProblem = isQuoted ? this.#skipQuoted() : this.#skipLabelName();
    if (nameProblem !== undefined) return nameProblem;
    const to = this.#at;
    this.#skipBlanks();
    if (this.#at < this.#end && this.#page[this.#at] === equals) this.#at += 1;
    else if (isQuoted) return this.#nameFromQuotes(from, to);
    else return `a label's name must be followed by '=', was ${this.#shown(this.#at)}`;
    this.#skipBlanks();
    const valueFrom = this.#at;
    const valueProblem = this.#skipQuoted();
    if (valueProblem !== undefined || this.#family === undefined) return valueProblem;
    labels.set(isQuoted ? this.#unquoted(from, to) : this.#text(from, to), this.#unquoted(valueFrom, this.#at));
    return undefined;
  }

  #nameFromQuotes(from: number, to: number): string | undefined {
    let sum = hashSeed;
    for (let at = from + 1; at < to - 1; at++) sum = nextHash(sum, this.#page[at] ?? 0);
    this.#family = findFamily(this.#wanted.byHash.get(sum), this.#page, from + 1, to - 1);
    return undefined;
  }

  #skipLabelName(): string | undefined {
    const page = this.#page;
    const from = this.#at;
    if (from >= this.#end || nameClass[page[from] ?? 0] !== 3) {
      return `a label's name must start with a letter, was ${this.#shown(from)}`;
    }
    let at = from + 1;
    while (at < this.#end && nameClass[page[at] ?? 0] !== 0) at++;
    this.#at = at;
    return undefined;
  }

  /** Past a string in double quotes, in which a backslash protects the next byte. */
  #skipQuoted(): string | undefined {
    const page = this.#page;
    const from = this.#at;
    if (from >= this.#end || page[from] !== quote) return `a label's value must be in '"', was ${this.#shown(from)}`;
    let at = from + 1;
    while (at < this.#end && page[at] !== quote) at += page[at] === backslash ? 2 : 1;
    if (at >= this.#end) return `a label's value must end with '"', was ${this.#shown(from)}`;
    this.#at = at + 1;
    return undefined;
  }

  #readValue(labels: ReadonlyMap<string, string>): string | undefined {
    const [from, to] = this.#token();
    const [timeFrom, timeTo] = this.#token();
    // `# {...} 0.07` is an exemplar: it belongs to the bucket and is not read.
    const hasTime = timeTo > timeFrom && this.#page[timeFrom] !== hash;
    const [restFrom, restTo] = hasTime ? this.#token() : [timeFrom, timeTo];
    if (restTo > restFrom && this.#page[restFrom] !== hash) {
      return `after value and time a line must end, was ${this.#shown(restFrom)}`;
    }
    if (this.#family === undefined)
      return this.#checkNumber(from, to) ?? (hasTime ? this.#checkNumber(timeFrom, timeTo) : undefined);
    return this.#keep(labels, this.#text(from, to), hasTime ? this.#text(timeFrom, timeTo) : undefined);
  }

  #keep(labels: ReadonlyMap<string, string>, number: string, time: string | undefined): string | undefined {
    const value = parseNumber(number);
    if (value === undefined) return `a value must be a number, was ${shorten(number)}`;
    const at = time === undefined ? undefined : parseTime(time);
    if (time !== undefined && at === undefined) return `a time must be a number, was ${shorten(time)}`;
    const family = this.#family ?? '';
    const kept = this.#families.get(family);
    const reading: Reading = at === undefined ? { labels, value } : { labels, value, at };
    if (kept === undefined) this.#families.set(family, [reading]);
    else kept.push(reading);
    return undefined;
  }

  /** Enough to find a broken line of a family that nobody wants, without making a string: a digit, a sign, NaN or Inf at its start. */
  #checkNumber(from: number, to: number): string | undefined {
    const page = this.#page;
    let at = from;
    if (page[at] === 43 || page[at] === 45) at++;
    const byte = at < to ? (page[at] ?? 0) : 0;
    const isNumber =
      (byte >= 48 && byte <= 57) ||
      byte === 46 ||
      infinite.test(this.#text(at, to)) ||
      /^nan$/i.test(this.#text(at, to));
    return isNumber ? undefined : `a value must be a number, was ${this.#shown(from)}`;
  }

  #token(): readonly [number, number] {
    this.#skipBlanks();
    const from = this.#at;
    let at = from;
    while (at < this.#end && !isBlank(this.#page[at])) at++;
    this.#at = at;
    return [from, at];
  }

  #skipBlanks(): void {
    while (this.#at < this.#end && isBlank(this.#page[this.#at])) this.#at++;
  }

  #text(from: number, to: number): string {
    return this.#page.toString('utf8', from, to);
  }

  #unquoted(from: number, to: number): string {
    const inner = this.#text(from + 1, to - 1);
    return inner.includes('\\') ? inner.replace(/\\(.)/gs, (_, c: string) => (c === 'n' ? '\n' : c)) : inner;
  }

  #shown(from: number): string {
    return from >= this.#end ? 'the end of the line' : shorten(this.#text(from, Math.min(this.#end, from + 64)));
  }
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 24 ? `${text.slice(0, 24)}...` : text);
}

function parseNumber(text: string): number | undefined {
  if (decimal.test(text)) return Number(text);
  const sign = infinite.exec(text)?.[1];
  if (sign !== undefined) return sign === '-' ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(text) ? NaN : undefined;
}

/** Milliseconds in the classic format, seconds in OpenMetrics: no exporter means a time before 1973 in ms, so the size tells. */
function parseTime(text: string): Instant | undefined {
  const number = parseNumber(text);
  if (number === undefined || !Number.isFinite(number)) return undefined;
  return instant(Math.abs(number) < 1e11 ? number * 1000 : number);
}
