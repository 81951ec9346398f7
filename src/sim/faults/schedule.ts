import type { Fault, FaultWindow, NodeLoss } from '../../core/model/simulated-fault.ts';
import { ForewarmError } from '../../errors.ts';
import { RandomStream } from '../rng.ts';

type Kind = Fault['kind'];
type Of<K extends Kind> = Extract<Fault, { readonly kind: K }>;
type Numbered<K extends Kind> = Of<K> & { readonly number: number };

/** When and how often one replica's engine dies. */
export interface Crash {
  readonly atMs: number;
  readonly times: number;
}

/** One loss of nodes in milliseconds; what comes after `toMs` does not happen. */
export interface Loss {
  readonly nodes: readonly number[];
  readonly fromMs: number;
  readonly noticedMs: number;
  readonly evictedMs: number;
  readonly toMs: number;
}

/**
 * The faults of a scenario as answers to questions about a time. Who is hit is drawn from a stream that the fault's place in the list and the
 * replica's ordinal name: the k-th replica fares alike under every policy.
 */
export class FaultSchedule {
  readonly #seed: number;
  readonly #faults: readonly (Fault & { readonly number: number })[];
  readonly #skews: readonly Numbered<'SkewedRouting'>[];

  constructor(faults: readonly Fault[], seed: number) {
    this.#seed = seed;
    this.#faults = faults.map((fault, number) => ({ ...fault, number }));
    this.#skews = this.#of('SkewedRouting');
  }

  isReplicaDark(ordinal: number, atMs: number): boolean {
    return this.#of('MetricBlackout', atMs).some((fault) => this.#isHit(fault, ordinal));
  }

  isGatewayDark(atMs: number): boolean {
    return this.#of('MetricBlackout', atMs).some(({ includesGateway, share = 1 }) => includesGateway ?? share === 1);
  }

  hasFrozenGauges(ordinal: number, atMs: number): boolean {
    return this.#of('FrozenGauges', atMs).some((fault) => this.#isHit(fault, ordinal));
  }

  /** How long the metrics of a replica that goes now are still there. */
  persistMs(atMs: number): number {
    return Math.max(0, ...this.#of('StaleSeries', atMs).map(({ persistSeconds }) => persistSeconds * 1000));
  }

  /** Whether nothing may be bound to the node with this number. */
  isWithdrawn(node: number, atMs: number): boolean {
    return this.#of('Unschedulable', atMs).some(({ nodes }) => nodes?.includes(node) ?? true);
  }

  /** When the scheduler finds room again that had been withdrawn. */
  get returnsMs(): readonly number[] {
    return this.#of('Unschedulable').map(({ toSeconds }) => toSeconds * 1000);
  }

  imageFactor(atMs: number): number {
    return this.#of('SlowPulls', atMs).reduce((product, { imageFactor = 1 }) => product * imageFactor, 1);
  }

  weightsFactor(atMs: number): number {
    return this.#of('SlowPulls', atMs).reduce((product, { weightsFactor = 1 }) => product * weightsFactor, 1);
  }

  get losses(): readonly Loss[] {
    return this.#of('NodeLoss').map(lossOf);
  }

  crashesOf(ordinal: number): readonly Crash[] {
    return this.#of('EngineCrash').flatMap((fault) => {
      const { share = 1, fromSeconds, toSeconds, times = 1, number } = fault;
      const stream = new RandomStream(this.#seed, `fault/${number}/${ordinal}`);
      const isHit = stream.uniform() < share;
      const atMs = (fromSeconds + (toSeconds - fromSeconds) * stream.uniform()) * 1000;
      return isHit ? [{ atMs, times }] : [];
    });
  }

  /** Whether a request goes to the oldest replica. */
  isSkewed(request: number, atMs: number): boolean {
    return this.#skews.some(
      (fault) =>
        isWithin(fault, atMs) &&
        new RandomStream(this.#seed, `fault/${fault.number}/request/${request}`).uniform() < fault.share,
    );
  }

  #isHit({ share = 1, number }: { readonly share?: number; readonly number: number }, ordinal: number): boolean {
    return share === 1 || new RandomStream(this.#seed, `fault/${number}/${ordinal}`).uniform() < share;
  }

  #of<K extends Kind>(kind: K, atMs?: number): readonly Numbered<K>[] {
    if (this.#faults.length === 0) return [];
    return this.#faults.filter(
      (fault): fault is Numbered<K> => fault.kind === kind && (atMs === undefined || isWithin(fault, atMs)),
    );
  }
}

function isWithin({ fromSeconds, toSeconds }: FaultWindow, atMs: number): boolean {
  return atMs >= fromSeconds * 1000 && atMs < toSeconds * 1000;
}

function lossOf({ nodes, fromSeconds, toSeconds, noticeSeconds = 50, evictSeconds = 300 }: NodeLoss): Loss {
  const noticed = fromSeconds + noticeSeconds;
  return {
    nodes,
    fromMs: fromSeconds * 1000,
    noticedMs: noticed * 1000,
    evictedMs: (noticed + evictSeconds) * 1000,
    toMs: toSeconds * 1000,
  };
}

/** Throws CONFIG_INVALID: a window that ends before it begins, or a node that is not there. */
export function checkFaults(faults: readonly Fault[], nodes: number): void {
  for (const [index, fault] of faults.entries()) {
    const { fromSeconds, toSeconds } = fault;
    if (!(fromSeconds >= 0 && toSeconds > fromSeconds)) {
      throw invalid(`faults[${index}].toSeconds must be above fromSeconds (${fromSeconds}), was ${toSeconds}`);
    }
    const named = 'nodes' in fault ? (fault.nodes ?? []) : [];
    const unknown = named.find((node) => !(Number.isInteger(node) && node >= 1 && node <= nodes));
    if (unknown !== undefined) {
      throw invalid(`faults[${index}].nodes must be numbers from 1 to ${nodes} (the scenario's nodes), had ${unknown}`);
    }
  }
}

function invalid(message: string): ForewarmError {
  return new ForewarmError('CONFIG_INVALID', message);
}
