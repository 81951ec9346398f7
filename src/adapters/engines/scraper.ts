import { readFileSync } from 'node:fs';
import { Agent } from 'undici';
import { allMissing, recognise, samplesFrom } from '../../core/model/engines/samples.ts';
import { familiesOf, type EngineTable, type FamilyReadings } from '../../core/model/engines/table.ts';
import { vllm } from '../../core/model/engines/vllm.ts';
import type { MissingCause } from '../../core/model/sample.ts';
import type { Instant } from '../../core/model/units.ts';
import type { ReadFailure, ReplicaAddress, ReplicaReader, ReplicaReading } from '../../ports/replica-reader.ts';
import { parseExposition, type Exposition } from './exposition.ts';
import { fetchPage } from './page.ts';
import { readingAll } from './reading-all.ts';
import { compileSelection, type Selection } from './selection.ts';

export interface ScraperOptions {
  /** From the first byte sent to the last byte read, for each replica. @default 2000 */
  readonly deadlineMilliseconds?: number;
  /** Pages that are read at the same time. @default 64 */
  readonly concurrency?: number;
  /** PEM bundle that https pages are verified with; the system's where absent. */
  readonly caFile?: string;
  /** Pages behind certificates that nobody can verify (engines sign their own). @default false */
  readonly isTlsUnverified?: boolean;
  /** Engines that are known. @default vLLM */
  readonly engines?: readonly EngineTable[];
}

/** Reads the metrics pages of replicas directly, over connections that are kept. */
export class Scraper implements ReplicaReader {
  readonly #agent: Agent;
  readonly #engines: readonly EngineTable[];
  readonly #wanted: Selection;
  readonly #deadline: number;
  readonly #concurrency: number;

  constructor(options: ScraperOptions = {}) {
    this.#deadline = options.deadlineMilliseconds ?? 2000;
    this.#concurrency = options.concurrency ?? 64;
    this.#engines = options.engines ?? [vllm];
    this.#wanted = compileSelection(this.#engines.flatMap(familiesOf));
    this.#agent = new Agent({
      connections: 1,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      connect: {
        timeout: this.#deadline,
        rejectUnauthorized: options.isTlsUnverified !== true,
        ...(options.caFile === undefined ? {} : { ca: readFileSync(options.caFile, 'utf8') }),
      },
    });
  }

  async read(
    replicas: readonly ReplicaAddress[],
    now: Instant,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReplicaReading>> {
    return await readingAll(replicas, this.#concurrency, async (one) => await this.#readOne(one, now, signal));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #readOne(replica: ReplicaAddress, now: Instant, signal: AbortSignal): Promise<ReplicaReading> {
    const page = await fetchPage({
      replica,
      dispatcher: this.#agent,
      deadlineMilliseconds: this.#deadline,
      signal,
    });
    if (!page.ok) return nothing('ScrapeFailed', page.failure, page.problem);
    return readPage(parseExposition(page.body, this.#wanted), { engines: this.#engines, replica, now });
  }
}

interface PageContext {
  readonly engines: readonly EngineTable[];
  readonly replica: ReplicaAddress;
  readonly now: Instant;
}

/** What a parsed page says of its replica. */
export function readPage(page: Exposition, { engines, replica, now }: PageContext): ReplicaReading {
  if (page.sampleLines === 0 && page.problemCount > 0) {
    return nothing('ScrapeFailed', 'NotMetrics', `the page is no metrics page: ${brokenLines(page)}`);
  }
  const readings = readingsOf(page);
  const known = engines.map((engine) => engine.name);
  const table =
    replica.engine === 'Auto'
      ? recognise(engines, readings)
      : engines.find(({ name }) => name.toLowerCase() === replica.engine.toLowerCase());
  if (table === undefined) {
    return nothing('NotExposed', 'UnknownEngine', unknownEngine(replica.engine, known, page.sampleLines));
  }
  const { samples, rest } = samplesFrom(table, readings, now);
  if (rest !== undefined) return { samples, engine: table.name, failure: 'Asleep', problem: `the engine is ${rest}` };
  if (page.problemCount === 0) return { samples, engine: table.name };
  return { samples, engine: table.name, failure: 'BrokenLines', problem: brokenLines(page) };
}

function readingsOf(page: Exposition): FamilyReadings {
  const lost = new Map<string, MissingCause>([...page.broken].map((family) => [family, 'NotANumber']));
  return { families: page.families, lost, absent: 'NotExposed' };
}

function nothing(cause: MissingCause, failure: ReadFailure, problem: string): ReplicaReading {
  return { samples: allMissing(cause), failure, problem };
}

function brokenLines({ problemCount, problems }: Exposition): string {
  const [first] = problems;
  if (first === undefined) return `${problemCount} broken lines`;
  return `${problemCount} broken line${problemCount === 1 ? '' : 's'}, line ${first.line}: ${first.message}`;
}

function unknownEngine(engine: string, known: readonly string[], lines: number): string {
  if (engine !== 'Auto') return `\`engine\` must be Auto or one of ${known.join(', ')}, was ${JSON.stringify(engine)}`;
  return `none of the ${lines} lines is of an engine that is known (${known.join(', ')}); is this the engine's port?`;
}
