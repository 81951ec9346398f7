import { allMissing, recognise, samplesFrom } from '../../core/model/engines/samples.ts';
import type { EngineTable, FamilyReadings } from '../../core/model/engines/table.ts';
import { vllm } from '../../core/model/engines/vllm.ts';
import type { Instant } from '../../core/model/units.ts';
import { explainError, ForewarmError } from '../../errors.ts';
import type { ReplicaAddress, ReplicaReader, ReplicaReading } from '../../ports/replica-reader.ts';
import { Answers } from './answers.ts';
import { PrometheusClient, type PrometheusOptions, type QueriedSeries } from './client.ts';
import {
  ageQuery,
  familyGroups,
  familyQuery,
  podGroups,
  type FamilyGroup,
  type PodGroup,
  type PodLabels,
} from './queries.ts';

export interface PrometheusSourceOptions extends PrometheusOptions {
  /** For all queries of one read together. @default 5000 */
  readonly deadlineMilliseconds?: number;
  /** Queries at the same time. @default 4 */
  readonly concurrency?: number;
  /** Labels that name a series' pod. @default namespace and pod */
  readonly podLabels?: PodLabels;
  /** Engines that are known. @default vLLM */
  readonly engines?: readonly EngineTable[];
}

/** Reads replicas from Prometheus, by pod name and namespace: for clusters that forbid scraping pods. */
export class PrometheusSource implements ReplicaReader {
  readonly #client: PrometheusClient;
  readonly #engines: readonly EngineTable[];
  readonly #groups: readonly FamilyGroup[];
  readonly #labels: PodLabels;
  readonly #deadline: number;
  readonly #concurrency: number;

  constructor(options: PrometheusSourceOptions) {
    this.#client = new PrometheusClient(options);
    this.#engines = options.engines ?? [vllm];
    this.#groups = familyGroups(this.#engines);
    this.#labels = options.podLabels ?? { namespace: 'namespace', pod: 'pod' };
    this.#deadline = options.deadlineMilliseconds ?? 5000;
    this.#concurrency = options.concurrency ?? 4;
  }

  async read(
    replicas: readonly ReplicaAddress[],
    now: Instant,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReplicaReading>> {
    const readings = new Map<string, ReplicaReading>();
    const deadline = AbortSignal.timeout(this.#deadline);
    const pass: Pass = { now, caller: signal, deadline, either: AbortSignal.any([signal, deadline]) };
    for (const pods of podGroups(replicas)) {
      const answers = await this.#readPods(pods, pass);
      for (const replica of pods.replicas) readings.set(replica.id, this.#readingOf(replica, answers, now));
    }
    return readings;
  }

  close(): void {
    this.#client.close();
  }

  /** Ages first: while they are unknown no value can be believed, and a dead server is asked once. */
  async #readPods(pods: PodGroup, pass: Pass): Promise<Answers> {
    const answers = new Answers(this.#labels, pass.now);
    const unreadable = await this.#refresh(pass);
    if (unreadable !== undefined) return answers.failAll(unreadable);
    const age = await this.#ask('age of the samples', ageQuery(this.#engines, pods, this.#labels), pass);
    if (!age.ok) return answers.failAll(age.problem);
    answers.addAges(age.series);
    answers.warn(age.warnings);
    const queue = this.#groups.values();
    const work = async (): Promise<void> => {
      for (const group of queue) {
        const answer = await this.#ask(group.name, familyQuery(group, pods, this.#labels), pass);
        if (answer.ok) answers.addSeries(answer.series).warn(answer.warnings);
        else answers.fail(group, answer.problem);
      }
    };
    await Promise.all(Array.from({ length: this.#concurrency }, work));
    return answers;
  }

  /** Why token or certificates cannot be read. */
  async #refresh({ caller }: Pass): Promise<string | undefined> {
    try {
      await this.#client.refresh();
      return undefined;
    } catch (err) {
      caller.throwIfAborted();
      return explainError(err);
    }
  }

  async #ask(name: string, promql: string, { caller, deadline, either }: Pass): Promise<Asked> {
    try {
      const { series, warnings, skipped } = await this.#client.query(promql, either);
      const histograms = skipped === 0 ? [] : [`${skipped} series of ${name} are native histograms and were not read`];
      return { ok: true, series, warnings: [...warnings, ...histograms] };
    } catch (err) {
      caller.throwIfAborted();
      const why = deadline.aborted ? `no answer within ${this.#deadline} ms of the pass` : explainQuery(err);
      return { ok: false, problem: `${name}: ${why}` };
    }
  }

  #readingOf(replica: ReplicaAddress, answers: Answers, now: Instant): ReplicaReading {
    const problem = answers.problemsFor(replica);
    if (answers.isDead) return { samples: allMissing('QueryFailed'), failure: 'QueryFailed', problem };
    const readings = answers.readingsOf(replica);
    const byName = this.#engines.find(({ name }) => name.toLowerCase() === replica.engine.toLowerCase());
    const table = byName ?? (replica.engine === 'Auto' ? recognise(this.#engines, readings) : undefined);
    if (table === undefined) return unread(replica, { readings, problem, engines: this.#engines });
    const { samples, rest } = samplesFrom(table, readings, now);
    if (rest !== undefined) return { samples, engine: table.name, failure: 'Asleep', problem: `the engine is ${rest}` };
    if (problem === '') return { samples, engine: table.name };
    return { samples, engine: table.name, failure: 'QueryFailed', problem };
  }
}

/** Prometheus knows the pod's series only through the families that were asked for: none means none of a known engine. */
function unread(
  replica: ReplicaAddress,
  { readings, problem, engines }: { readings: FamilyReadings; problem: string; engines: readonly EngineTable[] },
): ReplicaReading {
  const samples = allMissing(readings.absent);
  if (replica.engine === 'Auto') return { samples, failure: 'NoSeries', problem };
  const known = engines.map(({ name }) => name).join(', ');
  const named = `\`engine\` must be Auto or one of ${known}, was ${JSON.stringify(replica.engine)}`;
  return { samples, failure: 'UnknownEngine', problem: named };
}

interface Pass {
  readonly now: Instant;
  readonly caller: AbortSignal;
  readonly deadline: AbortSignal;
  readonly either: AbortSignal;
}

type Asked =
  | { readonly ok: true; readonly series: readonly QueriedSeries[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

function explainQuery(err: unknown): string {
  return err instanceof ForewarmError && err.code === 'QUERY_FAILED' ? err.message : explainError(err);
}
