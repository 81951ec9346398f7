import type { FleetMemory } from './model/memory.ts';
import { problem, type Problem, type Result, ok } from './model/result.ts';
import { tick, type TickInput, type TickOutput } from './tick.ts';

export const decisionLogSchema = 'forewarm.dev/decision-log/v1';

/** First line of a decision log, and of each part that a restarted process appends: the memory from which its passes start. */
export interface DecisionLogHeader {
  readonly schema: typeof decisionLogSchema;
  readonly version: string;
  readonly memory: FleetMemory;
}
/** One pass: what was looked at and what came of it. Memory is not repeated: replay carries it. */
export interface DecisionLogPass {
  readonly input: TickInput;
  readonly output: Omit<TickOutput, 'memory'>;
}
export type DecisionLogLine = DecisionLogHeader | DecisionLogPass;

export function headerLine(memory: FleetMemory, version: string): string {
  return JSON.stringify({ schema: decisionLogSchema, version, memory } satisfies DecisionLogHeader);
}

export function passLine(input: TickInput, { decisions, actions, reports }: TickOutput): string {
  return JSON.stringify({ input, output: { decisions, actions, reports } } satisfies DecisionLogPass);
}

/** Reads one line. Only the frame is checked: what is inside was written by `passLine` and is compared, byte by byte, after all. */
export function parseDecisionLogLine(text: string): Result<DecisionLogLine> {
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  const line = parsed.value;
  if (!isRecord(line)) return problem('line', line, 'a JSON object');
  if ('schema' in line) return headerOf(line);
  const { input, output } = line;
  if (!isRecord(input) || typeof input['now'] !== 'number') return problem('input', input, 'a pass with a time `now`');
  if (!Array.isArray(input['pools'])) return problem('input.pools', input['pools'], 'a list');
  const fleet = input['fleet'];
  if (!isRecord(fleet) || !Array.isArray(fleet['nodes'])) return problem('input.fleet', fleet, 'a list of `nodes`');
  if (!isRecord(output)) return problem('output', output, 'decisions, actions and reports');
  return ok(line as unknown as DecisionLogPass);
}

function headerOf(line: Readonly<Record<string, unknown>>): Result<DecisionLogHeader> {
  if (line['schema'] !== decisionLogSchema) return problem('schema', line['schema'], `'${decisionLogSchema}'`);
  const memory = line['memory'];
  if (!isRecord(memory) || !isRecord(memory['pools'])) return problem('memory', memory, 'the memory of each pool');
  return ok(line as unknown as DecisionLogHeader);
}

function parseJson(text: string): Result<unknown> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return problem('line', text.length > 60 ? `${text.slice(0, 60)}...` : text, 'one whole JSON object');
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where a pass came out otherwise than it was recorded. */
export interface Difference {
  /** As `reports[0].targets[0].wanted`. */
  readonly path: string;
  readonly recorded: string;
  readonly replayed: string;
}
export type Replayed =
  | { readonly kind: 'identical'; readonly passes: number }
  | { readonly kind: 'different'; readonly line: number; readonly pass: number; readonly difference: Difference }
  | { readonly kind: 'unreadable'; readonly line: number; readonly problem: Problem };

/** A pass of a log with its place. `undefined`: a line that is no pass. */
export type ReadPass =
  | {
      readonly kind: 'pass';
      readonly line: number;
      readonly pass: number;
      /** From which it started. */
      readonly memory: FleetMemory;
      readonly recorded: DecisionLogPass;
    }
  | { readonly kind: 'unreadable'; readonly line: number; readonly problem: Problem };

/** Reads a log line by line. A pass starts from the header's memory, or from what was carried on after the one before. */
export class DecisionLogReader {
  #memory: FleetMemory | undefined = undefined;
  #line = 0;
  #passes = 0;

  get hasBegun(): boolean {
    return this.#memory !== undefined;
  }

  get passes(): number {
    return this.#passes;
  }

  carry(memory: FleetMemory): void {
    this.#memory = memory;
  }

  take(text: string): ReadPass | undefined {
    this.#line++;
    if (text.trim() === '') return undefined;
    const parsed = parseDecisionLogLine(text);
    if (!parsed.ok) return this.#unreadable(parsed.problem);
    if ('schema' in parsed.value) {
      this.#memory = parsed.value.memory;
      return undefined;
    }
    if (this.#memory === undefined) {
      return this.#unreadable({ field: 'line', seen: 'a pass', allowed: `a header of schema '${decisionLogSchema}'` });
    }
    return { kind: 'pass', line: this.#line, pass: ++this.#passes, memory: this.#memory, recorded: parsed.value };
  }

  #unreadable(problem: Problem): ReadPass {
    return { kind: 'unreadable', line: this.#line, problem };
  }
}

/** Replays a log line by line: `take` answers as soon as the outcome is known, `end` after the last line. */
export class Replay {
  readonly #log = new DecisionLogReader();

  take(text: string): Replayed | undefined {
    const read = this.#log.take(text);
    if (read?.kind !== 'pass') return read;
    const { line, pass, recorded } = read;
    const { memory, decisions, actions, reports } = tick(read.memory, recorded.input);
    this.#log.carry(memory);
    const difference = firstDifference(recorded.output, { decisions, actions, reports });
    return difference && { kind: 'different', line, pass, difference };
  }

  end(): Replayed {
    if (this.#log.hasBegun) return { kind: 'identical', passes: this.#log.passes };
    return { kind: 'unreadable', line: 1, problem: { field: 'line', seen: 'nothing', allowed: 'a decision log' } };
  }
}

/** Replays a whole log and answers its first difference, the line that cannot be read, or that it is identical. */
export function replay(lines: Iterable<string>): Replayed {
  const running = new Replay();
  for (const line of lines) {
    const outcome = running.take(line);
    if (outcome !== undefined) return outcome;
  }
  return running.end();
}

/** Compares by what JSON says, byte by byte, and then looks for the place. */
export function firstDifference(recorded: unknown, replayed: unknown): Difference | undefined {
  const was = JSON.stringify(recorded);
  const is = JSON.stringify(replayed);
  if (was === is) return undefined;
  return locate(recorded, JSON.parse(is), '') ?? { path: 'order of fields', recorded: was, replayed: is };
}

function locate(was: unknown, is: unknown, path: string): Difference | undefined {
  if (JSON.stringify(was) === JSON.stringify(is)) return undefined;
  const keys = keysOf(was, is);
  for (const key of keys ?? []) {
    const found = locate(childOf(was, key), childOf(is, key), pathOf(path, key, Array.isArray(was)));
    if (found !== undefined) return found;
  }
  if (keys !== undefined) return undefined;
  return { path: path === '' ? 'output' : path, recorded: shown(was), replayed: shown(is) };
}

function keysOf(was: unknown, is: unknown): readonly string[] | undefined {
  if (typeof was !== 'object' || typeof is !== 'object' || was === null || is === null) return undefined;
  if (Array.isArray(was) !== Array.isArray(is)) return undefined;
  return [...new Set([...Object.keys(was), ...Object.keys(is)])];
}

function childOf(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return parent[Number(key)];
  return isRecord(parent) ? parent[key] : undefined;
}

function pathOf(path: string, key: string, isList: boolean): string {
  if (isList) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}
