import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ForewarmError } from '../errors.ts';
import type { Workload } from '../sim/workload/workload.ts';
import type { SimRun, SimulationJob } from './simulation-job.ts';
import { version } from './version.ts';

/** One line of a file of runs. */
interface Line {
  readonly schema: typeof schema;
  readonly key: string;
  readonly run: SimRun;
}
const schema = 'forewarm.dev/simulation-run/v1';

/** Of what a run keeps: with another it is made again. */
const resultFormat = 2;

/**
 * Finished runs, one JSON object a line. Each stands under a hash of everything that made it, down to the version of Forewarm: a run is taken
 * from the file when nothing differs, and a file may hold runs of any commands.
 */
export class RunFile {
  /** Absolute. */
  readonly path: string;
  readonly #runs: Map<string, SimRun>;
  readonly #keys = new Keys();

  private constructor(path: string, runs: Map<string, SimRun>) {
    this.path = path;
    this.#runs = runs;
  }

  /** Reads what is there; a file that does not exist begins empty. */
  static open(path: string): RunFile {
    return new RunFile(resolve(path), readRuns(path));
  }

  runOf(job: SimulationJob): SimRun | undefined {
    return this.#runs.get(this.#keys.of(job));
  }

  /** At once on disk. */
  add(job: SimulationJob, run: SimRun): void {
    const key = this.#keys.of(job);
    if (this.#runs.has(key)) return;
    const line: Line = { schema, key, run };
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      appendFileSync(this.path, `${JSON.stringify(line)}\n`);
    } catch (err) {
      throw new ForewarmError('FILE_UNREADABLE', `writing a run to ${this.path}`, { cause: err });
    }
    this.#runs.set(key, run);
  }
}

/** Lines of a file that is appended to, none when it does not exist. A last line without its end was being written when the process died: it is taken away. */
export function wholeLines(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const text = textOf(path);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole.split('\n').slice(0, -1);
}

function readRuns(path: string): Map<string, SimRun> {
  return new Map(
    wholeLines(path).map((line, at) => {
      const read = parsed(line);
      if (isLine(read)) return [read.key, read.run];
      const seen = line.length > 60 ? `${line.slice(0, 60)}...` : line;
      throw new ForewarmError(
        'LOG_INVALID',
        `--resume ${path}, line ${at + 1}: must be a JSON object with schema '${schema}', key and run, was '${seen}'`,
      );
    }),
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    throw new ForewarmError('FILE_UNREADABLE', `reading runs from ${path}`, { cause: err });
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isLine(value: unknown): value is Line {
  return isRecord(value) && value['schema'] === schema && typeof value['key'] === 'string' && isRun(value['run']);
}

/** We wrote it, under a hash of what made it: that it is a run at all is enough to know. */
function isRun(value: unknown): value is SimRun {
  if (!isRecord(value) || !Array.isArray(value['forecasts'])) return false;
  const result = value['result'];
  return isRecord(result) && typeof result['policy'] === 'string' && isRecord(result['timeline']);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys of jobs; a load is hashed once for all jobs that share it. */
class Keys {
  readonly #loads = new Map<Workload, string>();

  of({ scenario: { workload, ...scenario }, definition, label, iterationFactor = 1 }: SimulationJob): string {
    const parts = { version, resultFormat, scenario, definition, label, iterationFactor };
    const files = definition.kind === 'ExternalPolicy' ? filesOf(definition.command) : [];
    return hashOf([this.#loadHash(workload), JSON.stringify(parts), ...files]);
  }

  #loadHash(workload: Workload): string {
    const known = this.#loads.get(workload);
    if (known !== undefined) return known;
    const { name, durationSeconds, arrivalMs, promptTokens, outputTokens, prefixes } = workload;
    const shared = prefixes === undefined ? [] : [String(prefixes.blockTokens), prefixes.offsets, prefixes.ids];
    const hash = hashOf([`${name}\n${durationSeconds}`, arrivalMs, promptTokens, outputTokens, ...shared]);
    this.#loads.set(workload, hash);
    return hash;
  }
}

/** A program that was changed is another policy: files that its command names are part of it. */
function filesOf(command: string): readonly Buffer[] {
  const words = command.split(/\s+/).map((word) => word.replaceAll(/^['"]|['"]$/g, ''));
  return words.filter((word) => existsSync(word) && statSync(word).isFile()).map((word) => readFileSync(word));
}

function hashOf(parts: readonly (string | NodeJS.TypedArray)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest('hex');
}
