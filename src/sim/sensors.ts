import type {
  FleetSeen,
  GatewaySamples,
  PoolSeen,
  ReplicaHistograms,
  ReplicaSamples,
  ReplicaSeen,
  SpecChange,
  TargetSeen,
} from '../core/model/pool.ts';
import { aged, missing, type Sample, value } from '../core/model/sample.ts';
import { instant, replicas } from '../core/model/units.ts';
import { type Agenda, priorities } from './agenda.ts';
import type { Cluster } from './cluster.ts';
import { type Ghost, Ghosts } from './faults/ghosts.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import type { SimPod } from './pod.ts';
import type { PolicyView } from './policies/policy.ts';
import type { ReplicaSnapshot } from './replica.ts';
import { RandomStream } from './rng.ts';
import type { Gateway } from './router.ts';
import { type Scenario, simPool, simTarget } from './scenario.ts';

/** One metrics page that was read: of a replica or of the gateway. */
interface Reading<T> {
  readonly atMs: number;
  readonly page: T;
}

interface GatewayPage {
  readonly queued: number;
  readonly requestsTotal: number;
}

/** A replica's page; its histograms only where the policy of the run reads them. */
interface ReplicaPage extends ReplicaSnapshot {
  readonly histograms?: ReplicaHistograms;
}

type Gauges = Pick<ReplicaSnapshot, 'waiting' | 'running' | 'kvUse'>;

export interface SensorsOptions {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly faults: FaultSchedule;
  readonly cluster: Cluster;
  readonly gateway: Gateway;
}

/** The last readings of one page, of which only what the lag allows is visible. */
class Series<T> {
  #visible: Reading<T> | undefined = undefined;
  readonly #underWay: Reading<T>[] = [];

  add(reading: Reading<T>): void {
    this.#underWay.push(reading);
  }

  latest(nowMs: number, lagMs: number): Reading<T> | undefined {
    for (let next = this.#underWay[0]; next !== undefined && next.atMs + lagMs <= nowMs; next = this.#underWay[0]) {
      this.#visible = next;
      this.#underWay.shift();
    }
    return this.#visible;
  }
}

/**
 * The only way from the simulated world to policies. Pods, nodes and sizes are seen as a watch shows them; engines and the gateway only as the
 * scraper last read them, each replica at its own phase of the interval, with lag and gaps. Nothing here knows how long an answer will be.
 */
export class Sensors {
  readonly #options: SensorsOptions;
  readonly #series = new Map<string, Series<ReplicaPage>>();
  readonly #gatewaySeries = new Series<GatewayPage>();
  readonly #ghosts = new Ghosts<ReplicaPage>();
  /** Gauges of replicas that a fault has frozen. */
  readonly #frozen = new Map<string, Gauges>();
  readonly #specChanges: SpecChange[] = [];
  readonly #notScraped: ReplicaSamples;

  constructor(options: SensorsOptions) {
    this.#options = options;
    this.#notScraped = samplesOf(() => missing('NotScraped'));
    this.#scrapeGateway(0);
  }

  /** A pod began to answer: it is scraped from its next turn on, until it is gone. One that answers again keeps its turn. */
  watch(pod: SimPod, nowMs: number): void {
    if (this.#series.has(pod.id)) return;
    const { scenario, agenda, faults } = this.#options;
    this.#series.set(pod.id, new Series());
    const stream = new RandomStream(scenario.seed, `scrape/${pod.ordinal}`);
    const intervalMs = scenario.scrapeIntervalSeconds * 1000;
    const phaseMs = stream.uniform() * intervalMs;
    const first = Math.ceil((nowMs - phaseMs) / intervalMs) * intervalMs + phaseMs;
    const scrape = (atMs: number): void => {
      const series = this.#series.get(pod.id);
      if (series === undefined) return;
      const isGap = stream.uniform() < scenario.scrapeGapShare;
      if (!isGap && !faults.isReplicaDark(pod.ordinal, atMs)) this.#read(pod, series, atMs);
      agenda.schedule(atMs + intervalMs, priorities.telemetry, scrape);
    };
    agenda.schedule(first, priorities.telemetry, scrape);
  }

  forget(pod: SimPod, nowMs: number): void {
    const { scenario, faults } = this.#options;
    const last = this.#series.get(pod.id)?.latest(nowMs, scenario.scrapeLagSeconds * 1000);
    const untilMs = nowMs + faults.persistMs(nowMs);
    if (last !== undefined) this.#ghosts.keep({ pod, page: last.page, goneMs: nowMs, untilMs });
    this.#series.delete(pod.id);
    this.#frozen.delete(pod.id);
  }

  /** Somebody set spec.replicas. */
  sized(from: number, to: number, nowMs: number): void {
    this.#specChanges.push({ at: instant(nowMs), from: replicas(from), to: replicas(to) });
  }

  view(specReplicas: number, nowMs: number): PolicyView {
    return { now: instant(nowMs), seen: this.#pool(specReplicas, nowMs), fleet: this.#fleet(nowMs) };
  }

  #read(pod: SimPod, series: Series<ReplicaPage>, atMs: number): void {
    const engine = pod.engine;
    if (engine === undefined) return;
    engine.advance(atMs);
    const shown = this.#asShown(pod, engine.snapshot(), atMs);
    const { histograms } = engine;
    const page =
      histograms === undefined ? shown : { ...shown, histograms: { ...histograms.read(), at: instant(atMs) } };
    series.add({ atMs, page });
  }

  #asShown(pod: SimPod, page: ReplicaSnapshot, atMs: number): ReplicaSnapshot {
    if (!this.#options.faults.hasFrozenGauges(pod.ordinal, atMs)) {
      this.#frozen.delete(pod.id);
      return page;
    }
    const { waiting, running, kvUse } = page;
    const gauges = this.#frozen.get(pod.id) ?? { waiting, running, kvUse };
    this.#frozen.set(pod.id, gauges);
    return { ...page, ...gauges };
  }

  #scrapeGateway(atMs: number): void {
    const { gateway, agenda, scenario, faults } = this.#options;
    if (!faults.isGatewayDark(atMs)) {
      this.#gatewaySeries.add({ atMs, page: { queued: gateway.queued, requestsTotal: gateway.requestsTotal } });
    }
    const next = atMs + scenario.scrapeIntervalSeconds * 1000;
    agenda.schedule(next, priorities.telemetry, (at) => this.#scrapeGateway(at));
  }

  #pool(specReplicas: number, nowMs: number): PoolSeen {
    const gateway = this.#gateway(nowMs);
    return {
      pool: simPool,
      targets: [this.#target(specReplicas, nowMs)],
      ...(gateway === undefined ? {} : { gateway }),
      floors: [],
      scrapeIntervalSeconds: this.#options.scenario.scrapeIntervalSeconds,
    };
  }

  #target(specReplicas: number, nowMs: number): TargetSeen {
    const { cluster } = this.#options;
    const pods = cluster.pods;
    while (this.#specChanges[0] !== undefined && nowMs - this.#specChanges[0].at > longestWindowMs) {
      this.#specChanges.shift();
    }
    return {
      target: simTarget,
      specReplicas: replicas(specReplicas),
      statusReplicas: replicas(pods.filter((pod) => !pod.isTerminating).length),
      specChanges: [...this.#specChanges],
      replicas: this.#replicas(pods, nowMs),
      eligibleNodes: cluster.presentNodes.map((node) => node.name),
      readsMarks: true,
      isRollingOut: false,
    };
  }

  /** Replicas that are gone and still in the metrics look like terminating ones. */
  #replicas(pods: readonly SimPod[], nowMs: number): readonly ReplicaSeen[] {
    const living = pods.map((pod) => ({
      ...this.#replica(pod, this.#samples(pod, nowMs)),
      ...this.#histograms(pod, nowMs),
    }));
    const ghosts = this.#ghosts.at(nowMs);
    if (ghosts.length === 0) return living;
    return [...living, ...ghosts.map((ghost) => this.#ghost(ghost, nowMs))].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #ghost({ pod, page, goneMs }: Ghost<ReplicaPage>, nowMs: number): ReplicaSeen {
    const samples = samplesOf((name) => this.#sample(page[name], nowMs, nowMs));
    const { histograms } = page;
    return {
      ...this.#replica(pod, samples),
      ...(histograms === undefined ? {} : { histograms: { ...histograms, at: instant(nowMs) } }),
      phase: 'Draining',
      since: instant(goneMs),
    };
  }

  #histograms(pod: SimPod, nowMs: number): Pick<ReplicaSeen, 'histograms'> {
    const lagMs = this.#options.scenario.scrapeLagSeconds * 1000;
    const histograms = this.#series.get(pod.id)?.latest(nowMs, lagMs)?.page.histograms;
    return histograms === undefined ? {} : { histograms };
  }

  #replica(pod: SimPod, samples: ReplicaSamples): ReplicaSeen {
    return {
      id: pod.id,
      name: pod.name,
      ...(pod.nodeName === undefined ? {} : { node: pod.nodeName }),
      phase: pod.phase,
      since: instant(pod.sinceMs),
      milestones: pod.milestones,
      ...(pod.startedWarm === undefined ? {} : { startedWarm: pod.startedWarm }),
      ...(pod.deletionCost < 0 ? { isMarked: true } : {}),
      samples,
    };
  }

  #samples(pod: SimPod, nowMs: number): ReplicaSamples {
    const { scenario } = this.#options;
    const reading = this.#series.get(pod.id)?.latest(nowMs, scenario.scrapeLagSeconds * 1000);
    if (reading === undefined) return this.#notScraped;
    return samplesOf((name) => this.#sample(reading.page[name], reading.atMs, nowMs));
  }

  #gateway(nowMs: number): GatewaySamples | undefined {
    const reading = this.#gatewaySeries.latest(nowMs, this.#options.scenario.scrapeLagSeconds * 1000);
    if (reading === undefined) return undefined;
    const { page, atMs } = reading;
    return {
      queued: this.#sample(page.queued, atMs, nowMs),
      requestsTotal: this.#sample(page.requestsTotal, atMs, nowMs),
    };
  }

  #sample(number: number, atMs: number, nowMs: number): Sample {
    return aged(value(number, instant(atMs)), instant(nowMs), 3 * this.#options.scenario.scrapeIntervalSeconds);
  }

  #fleet(nowMs: number): FleetSeen {
    const { cluster, faults } = this.#options;
    return { nodes: cluster.presentNodes.map((node) => node.seen(nowMs, faults.isWithdrawn(node.number, nowMs))) };
  }
}

/** Longest stabilisation window or rate period that HPA v2 allows. */
const longestWindowMs = 3_600_000;

function samplesOf(read: (name: keyof ReplicaSnapshot) => Sample): ReplicaSamples {
  return {
    waiting: read('waiting'),
    running: read('running'),
    kvUse: read('kvUse'),
    kvCapacityTokens: read('kvCapacityTokens'),
    finishedTotal: read('finishedTotal'),
    promptTokensTotal: read('promptTokensTotal'),
    cachedPromptTokensTotal: read('cachedPromptTokensTotal'),
    outputTokensTotal: read('outputTokensTotal'),
    preemptionsTotal: read('preemptionsTotal'),
    ttftSecondsSum: read('ttftSecondsSum'),
    ttftCount: read('ttftCount'),
    itlSecondsSum: read('itlSecondsSum'),
    itlCount: read('itlCount'),
    queueSecondsSum: read('queueSecondsSum'),
    queueCount: read('queueCount'),
    maxRunning: read('maxRunning'),
  };
}
