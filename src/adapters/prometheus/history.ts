import type { EngineTable } from '../../core/model/engines/table.ts';
import { vllm } from '../../core/model/engines/vllm.ts';
import type { DemandPast, PastBin, PastWanted } from '../../core/model/history.ts';
import { instant, type Instant } from '../../core/model/units.ts';
import { explainError, ForewarmError } from '../../errors.ts';
import type { HistoryReader, PastReading, PastReplicas } from '../../ports/history-reader.ts';
import { PrometheusClient, type PrometheusOptions, type QueryRange } from './client.ts';
import { type PastSignal, pastQueries, scrapesQuery } from './past-queries.ts';
import type { PodLabels } from './queries.ts';

export interface PrometheusHistoryOptions extends PrometheusOptions {
  /** For all queries of one past together. @default 120000 */
  readonly deadlineMilliseconds?: number;
  /** Labels that name a series' pod. @default namespace and pod */
  readonly podLabels?: PodLabels;
  /** Engines that are known. @default vLLM */
  readonly engines?: readonly EngineTable[];
}

/** A day a query: Prometheus refuses more than 11,000 points, and holds all that it reads for one answer in memory. */
const querySeconds = 86_400;
const mostPoints = 10_000;
/** What is taken for the interval of scrapes where it cannot be told: with fewer than this many samples in an hour a pod may just be young. */
const usualScrapeSeconds = 60;
const fewestScrapes = 30;
/** So many empty pieces in a row end the search: what lies before such a gap is not remembered. */
const mostEmpty = 3;

/** Reads the demand of the past from Prometheus, newest first; what could not be read ends it, and what came before is kept. */
export class PrometheusHistory implements HistoryReader {
  readonly #client: PrometheusClient;
  readonly #engines: readonly EngineTable[];
  readonly #labels: PodLabels;
  readonly #deadline: number;

  constructor(options: PrometheusHistoryOptions) {
    this.#client = new PrometheusClient(options);
    this.#engines = options.engines ?? [vllm];
    this.#labels = options.podLabels ?? { namespace: 'namespace', pod: 'pod' };
    this.#deadline = options.deadlineMilliseconds ?? 120_000;
  }

  async readPast(replicas: PastReplicas, wanted: PastWanted, now: Instant, signal: AbortSignal): Promise<PastReading> {
    const deadline = AbortSignal.timeout(this.#deadline);
    const either = AbortSignal.any([signal, deadline]);
    const pieces: (readonly PastBin[])[] = [];
    const past = (): DemandPast => ({ stepSeconds: wanted.stepSeconds, bins: pieces.toReversed().flat() });
    try {
      await this.#client.refresh();
      const asking = await this.#askingFor(replicas, wanted, either);
      for (const range of rangesOf(wanted, now)) {
        const isLost = pieces.length >= mostEmpty && pieces.slice(-mostEmpty).every((piece) => piece.length === 0);
        if (isLost) break;
        pieces.push(await this.#read(asking, range, either));
      }
      return { past: past() };
    } catch (err) {
      signal.throwIfAborted();
      const problem = deadline.aborted ? `no answer within ${this.#deadline} ms` : explainQuery(err);
      return { past: past(), problem };
    }
  }

  close(): void {
    this.#client.close();
  }

  /** The queries, by the engine that is there now. Their window reaches one scrape beyond a step, so that the increases of all steps make the whole. */
  async #askingFor(replicas: PastReplicas, { stepSeconds }: PastWanted, signal: AbortSignal): Promise<Asking> {
    const candidates = this.#candidates(replicas.engine);
    let [table] = candidates;
    let scrapes = 0;
    for (const candidate of candidates) {
      const { series } = await this.#client.query(scrapesQuery(candidate, replicas, this.#labels), signal);
      scrapes = series[0]?.value ?? 0;
      if (scrapes > 0) table = candidate;
      if (scrapes > 0) break;
    }
    const interval = scrapes >= fewestScrapes ? 3600 / scrapes : usualScrapeSeconds;
    const windowSeconds = Math.ceil(Math.max(stepSeconds, interval) + interval);
    return pastQueries(table, { replicas, labels: this.#labels, windowSeconds });
  }

  #candidates(engine: string): readonly [EngineTable, ...EngineTable[]] {
    const [first, ...others] = this.#engines.filter(
      ({ name }) => engine === 'Auto' || name.toLowerCase() === engine.toLowerCase(),
    );
    if (first !== undefined) return [first, ...others];
    const known = this.#engines.map(({ name }) => name).join(', ');
    throw new ForewarmError(
      'QUERY_FAILED',
      `\`engine\` must be Auto or one of ${known}, was ${JSON.stringify(engine)}`,
    );
  }

  async #read(asking: Asking, range: QueryRange, signal: AbortSignal): Promise<readonly PastBin[]> {
    const ask = async (promql: string): Promise<Points> => {
      const { points, warnings } = await this.#client.queryRange(promql, range, signal);
      // With a part of the data the sums are too low, and nothing tells by how much.
      if (warnings.length > 0)
        throw new ForewarmError('QUERY_FAILED', `the answer is not whole: ${warnings.join('; ')}`);
      return new Map(points.map(({ at, value }) => [at, value]));
    };
    const [finished, prompt, output, cached, waiting, running] = await Promise.all([
      ask(asking.finished),
      ask(asking.prompt),
      ask(asking.output),
      ask(asking.cached),
      ask(asking.waiting),
      ask(asking.running),
    ]);
    return [...finished.keys()].flatMap((at) =>
      binAt(at, {
        finished: finished.get(at),
        prompt: prompt.get(at),
        output: output.get(at),
        cached: cached.get(at),
        waiting: waiting.get(at),
        running: running.get(at),
      }),
    );
  }
}

type Asking = Readonly<Record<PastSignal, string>>;
type Points = ReadonlyMap<Instant, number>;

/** Steps that have ended, newest piece first, none of them in two. */
function* rangesOf({ stepSeconds, offsetSeconds, spanSeconds }: PastWanted, now: Instant): Generator<QueryRange> {
  const step = 1000 * stepSeconds;
  const last = Math.floor((now - 1000 * offsetSeconds) / step) * step + 1000 * offsetSeconds;
  const points = Math.min(mostPoints, Math.max(1, Math.floor(querySeconds / stepSeconds)));
  const oldest = last - 1000 * spanSeconds;
  for (let end = last; end > oldest; end -= points * step) {
    const start = Math.max(oldest + step, end - (points - 1) * step);
    yield { start: instant(start), end: instant(end), stepSeconds };
  }
}

/** A moment of which what finished and both kinds of tokens are known; a counter that fell was misread. Nothing is filled in. */
function binAt(at: Instant, rates: Readonly<Record<PastSignal, number | undefined>>): readonly PastBin[] {
  const { finished, prompt, output, cached = 0, waiting = 0, running = 0 } = rates;
  if (finished === undefined || prompt === undefined || output === undefined) return [];
  if (Math.min(finished, prompt, output, cached) < 0) return [];
  return [
    {
      at,
      requestsPerSecond: Math.max(0, finished + waiting + running),
      promptTokensPerSecond: Math.max(0, prompt - cached),
      outputTokensPerSecond: output,
      ...(waiting === 0 ? {} : { waitingPerSecond: waiting }),
      ...(cached === 0 ? {} : { cachedTokensPerSecond: cached }),
    },
  ];
}

function explainQuery(err: unknown): string {
  return err instanceof ForewarmError && err.code === 'QUERY_FAILED' ? err.message : explainError(err);
}
