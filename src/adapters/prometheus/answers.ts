import type { FamilyReadings, Reading } from '../../core/model/engines/table.ts';
import type { MissingCause } from '../../core/model/sample.ts';
import { instant, type Instant } from '../../core/model/units.ts';
import type { ReplicaAddress } from '../../ports/replica-reader.ts';
import type { QueriedSeries } from './client.ts';
import type { FamilyGroup, PodLabels } from './queries.ts';

/** Labels that say how a series was collected, not what it is: the same series through two jobs is one. */
export const collectionLabels: readonly string[] =
  'job instance endpoint container service node prometheus prometheus_replica cluster exported_job exported_instance receive tenant_id'.split(
    ' ',
  );

/** What one pass learned of the pods of one group. */
export class Answers {
  readonly #labels: PodLabels;
  readonly #now: Instant;
  readonly #families = new Map<string, Map<string, Reading[]>>();
  readonly #ages = new Map<string, number>();
  readonly #lost = new Map<string, MissingCause>();
  readonly #problems: string[] = [];
  readonly #warnings = new Set<string>();
  isDead = false;

  constructor(labels: PodLabels, now: Instant) {
    this.#labels = labels;
    this.#now = now;
  }

  failAll(problem: string): this {
    this.isDead = true;
    this.#problems.push(problem);
    return this;
  }

  fail({ families }: FamilyGroup, problem: string): void {
    for (const family of families) this.#lost.set(family, 'QueryFailed');
    this.#problems.push(problem);
  }

  warn(warnings: readonly string[]): void {
    for (const warning of warnings) this.#warnings.add(warning);
  }

  addAges(series: readonly QueriedSeries[]): void {
    for (const { labels, value } of series) if (Number.isFinite(value)) this.#ages.set(this.#origin(labels), value);
  }

  addSeries(series: readonly QueriedSeries[]): this {
    for (const { name, labels, value } of series) {
      const age = this.#ages.get(this.#origin(labels));
      // A series of a pod that was not scraped of late belongs to an earlier life of it: it cannot be dated.
      if (age === undefined) continue;
      const own = new Map([...labels].filter(([label]) => !this.#isCollection(label)));
      const reading = { labels: own, value, at: instant(this.#now - age * 1000) };
      const families = this.#families.get(this.#podOf(labels)) ?? new Map<string, Reading[]>();
      this.#families.set(this.#podOf(labels), families);
      families.set(name, [...(families.get(name) ?? []), reading]);
    }
    return this;
  }

  readingsOf({ namespace, pod }: ReplicaAddress): FamilyReadings {
    const families = this.#families.get(`${namespace}/${pod}`) ?? new Map<string, Reading[]>();
    // With a partial answer, what is not there may only not have been answered.
    return { families, lost: this.#lost, absent: this.#warnings.size > 0 ? 'QueryFailed' : 'NoSeries' };
  }

  problemsFor({ namespace, pod }: ReplicaAddress): string {
    const none = this.isDead || this.#families.has(`${namespace}/${pod}`);
    const found = [...this.#problems, ...[...this.#warnings].map((warning) => `warning: ${warning}`)];
    if (!none) found.push(`Prometheus has no series of pod ${namespace}/${pod} (a label that names it otherwise?)`);
    return found.slice(0, 3).join('; ');
  }

  #origin(labels: ReadonlyMap<string, string>): string {
    return `${this.#podOf(labels)} ${labels.get('job') ?? ''} ${labels.get('instance') ?? ''}`;
  }

  #podOf(labels: ReadonlyMap<string, string>): string {
    return `${labels.get(this.#labels.namespace) ?? ''}/${labels.get(this.#labels.pod) ?? ''}`;
  }

  #isCollection(label: string): boolean {
    return label === this.#labels.namespace || label === this.#labels.pod || collectionLabels.includes(label);
  }
}
