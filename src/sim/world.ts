import type { ArtifactNeed } from '../core/model/policy.ts';
import type { Action } from '../core/model/decision.ts';
import { Agenda, priorities } from './agenda.ts';
import { Cluster } from './cluster.ts';
import { LatencyHistograms } from './engine/latency-histograms.ts';
import { LogHistogram } from './engine/log-histogram.ts';
import { FaultSchedule } from './faults/schedule.ts';
import { GpuTally, type GpuTime } from './gpu-time.ts';
import { Ledger } from './ledger.ts';
import type { PolicyView } from './policies/policy.ts';
import { PrefillTier } from './prefill-tier.ts';
import { Replica, type ReplicaRequest } from './replica.ts';
import { Gateway } from './router.ts';
import { type Scenario, simArtifact } from './scenario.ts';
import { Sensors } from './sensors.ts';
import { TimelineRecorder } from './timeline.ts';
import { prefixOf } from './workload/workload.ts';

/** Everything that is simulated, put together; moves from event to event. */
export class World {
  readonly agenda: Agenda = new Agenda();
  readonly ledger: Ledger;
  readonly cluster: Cluster;
  readonly timeline: TimelineRecorder;
  readonly itl: LogHistogram = new LogHistogram();
  readonly #scenario: Scenario;
  readonly #artifact: ArtifactNeed;
  readonly #readsHistograms: boolean;
  readonly #gateway: Gateway;
  readonly #prefill: PrefillTier | undefined;
  readonly #sensors: Sensors;
  readonly #stepItl = new LogHistogram();
  readonly #faults: FaultSchedule;
  readonly #tally = new GpuTally();
  #spec: number;
  #nextArrival = 0;
  #preemptions = 0;

  constructor(scenario: Scenario, initialReplicas: number, readsHistograms = false) {
    this.#scenario = scenario;
    this.#readsHistograms = readsHistograms;
    this.#faults = new FaultSchedule(scenario.faults, scenario.seed);
    this.#artifact = simArtifact(scenario.profile);
    this.#spec = initialReplicas;
    this.ledger = new Ledger(scenario);
    this.timeline = new TimelineRecorder(this.ledger, this.#stepItl);
    const { agenda } = this;
    const faults = this.#faults;
    this.#gateway = new Gateway({ scenario, agenda, faults, shed: () => this.ledger.countShed() });
    this.#prefill = this.#newPrefillTier();
    this.cluster = this.#newCluster();
    this.#sensors = new Sensors({ scenario, agenda, faults, cluster: this.cluster, gateway: this.#gateway });
    this.cluster.begin(initialReplicas);
    this.#recordAt(0);
  }

  get spec(): number {
    return this.#spec;
  }

  get hasArrivalsLeft(): boolean {
    return this.#nextArrival < this.#scenario.workload.arrivalMs.length;
  }

  /** Preemptions of engines that are gone and of those that live. */
  get preemptions(): number {
    const living = this.cluster.pods.map((pod) => pod.engine?.snapshot().preemptionsTotal ?? 0);
    return living.reduce((sum, n) => sum + n, this.#preemptions);
  }

  /** GPUs x milliseconds from allocation to release, up to now and never beyond the end of the workload. */
  gpuMs(nowMs: number): number {
    return this.cluster.gpuMs(nowMs) + (this.#prefill?.gpuMs(nowMs) ?? 0);
  }

  /** GPU-hours by use, as far as they were counted: at the workload's end all of them. */
  get gpuTime(): GpuTime {
    return this.#tally.hours(this.#scenario.profile.gpusPerReplica);
  }

  /** What a policy may see now. */
  view(): PolicyView {
    return this.#sensors.view(this.#spec, this.agenda.now);
  }

  /** The next arrival or the next event of the agenda, whichever is first. */
  step(): void {
    const { arrivalMs } = this.#scenario.workload;
    const at = arrivalMs[this.#nextArrival];
    if (at === undefined || this.agenda.isBefore(at, priorities.arrival)) this.agenda.step();
    else this.#arrive(at);
  }

  /** Sets spec.replicas; the bounds are the scenario's. Returns the size set. */
  scale(wanted: number): number {
    const { minReplicas, maxReplicas } = this.#scenario;
    const to = Math.min(maxReplicas, Math.max(minReplicas, Math.round(wanted)));
    if (to === this.#spec) return to;
    const now = this.agenda.now;
    this.#sensors.sized(this.#spec, to, now);
    this.#spec = to;
    this.cluster.setReplicas(to, now);
    return to;
  }

  /** Warmth and protection; sizes come by `scale`. */
  perform(action: Action): void {
    if (action.kind === 'Assign' && action.artifact === this.#artifact.hash) {
      this.cluster.node(action.node)?.assign(this.#artifact, this.agenda.now);
    }
    if (action.kind === 'Unassign') this.cluster.node(action.node)?.unassign(action.artifact);
    if (action.kind === 'ProtectPods') this.cluster.protect(action.victims);
  }

  /** Every engine is brought to the present. */
  settle(): void {
    const now = this.agenda.now;
    for (const pod of this.cluster.pods) pod.engine?.advance(now);
    this.#prefill?.settle(now);
  }

  #newPrefillTier(): PrefillTier | undefined {
    const { disaggregation } = this.#scenario;
    if (disaggregation === undefined) return undefined;
    const { agenda, ledger } = this;
    const transferred = ({ id, promptTokens, outputTokens }: ReplicaRequest, atMs: number): void =>
      this.#gateway.offer({ id, promptTokens, outputTokens, cachedTokens: promptTokens - 1, isImported: true }, atMs);
    return new PrefillTier({
      scenario: this.#scenario,
      disaggregation,
      agenda,
      tally: this.#tally,
      transferred,
      shed: () => ledger.countShed(),
    });
  }

  #newCluster(): Cluster {
    const { agenda, ledger } = this;
    const scenario = this.#scenario;
    return new Cluster({
      scenario,
      artifact: this.#artifact,
      agenda,
      faults: this.#faults,
      tally: this.#tally,
      engine: (startMs) => this.#newEngine(startMs),
      observer: {
        ready: (pod, atMs) => {
          this.#sensors.watch(pod, atMs);
          if (pod.engine !== undefined) this.#gateway.add(pod, pod.engine, atMs);
        },
        draining: (pod) => this.#gateway.remove(pod),
        stopped: (pod, engine, lost) => {
          this.#gateway.remove(pod);
          ledger.countLost(lost.length);
          this.#preemptions += engine.snapshot().preemptionsTotal;
        },
        gone: (pod, atMs, lost) => {
          this.#sensors.forget(pod, atMs);
          ledger.countLost(lost.length, pod.isTerminating);
          this.#preemptions += pod.engine?.snapshot().preemptionsTotal ?? 0;
        },
      },
    });
  }

  #newEngine(startMs: number): Replica {
    const { profile, workload, prefixCaching } = this.#scenario;
    // What was prefilled elsewhere comes with its KV; there is nothing to find.
    const isShared = prefixCaching && this.#prefill === undefined;
    const prefixBlockTokens = isShared ? workload.prefixes?.blockTokens : undefined;
    const histograms = this.#readsHistograms ? new LatencyHistograms() : undefined;
    return new Replica({ profile, observer: this.ledger, startMs, itl: this.#stepItl, histograms, prefixBlockTokens });
  }

  #arrive(atMs: number): void {
    const { workload } = this.#scenario;
    const id = this.#nextArrival++;
    const promptTokens = workload.promptTokens[id] ?? 1;
    const outputTokens = workload.outputTokens[id] ?? 1;
    const prefix = workload.prefixes === undefined ? undefined : prefixOf(workload, id);
    this.agenda.moveTo(atMs);
    this.ledger.countArrival();
    const request = { id, promptTokens, outputTokens, prefix };
    if (this.#prefill === undefined) this.#gateway.offer(request, atMs);
    else this.#prefill.offer(request, atMs);
  }

  #recordAt(atMs: number): void {
    this.settle();
    this.timeline.record({
      atMs,
      pods: this.cluster.pods,
      spec: this.#spec,
      queuedAtGateway: this.#gateway.queued,
      others: this.#prefill?.snapshots ?? [],
    });
    this.itl.drain(this.#stepItl);
    const endMs = this.#scenario.workload.durationSeconds * 1000;
    if (atMs >= endMs) return this.#count();
    const next = Math.min(endMs, atMs + this.#scenario.timelineStepSeconds * 1000);
    this.agenda.schedule(next, priorities.timeline, (at) => this.#recordAt(at));
  }

  /** GPU time, at the workload's end. */
  #count(): void {
    this.cluster.count(this.agenda.now);
    this.#prefill?.count(this.agenda.now);
  }

  /** Takes what the last, unrecorded step brought into the whole. */
  close(): void {
    this.settle();
    this.itl.drain(this.#stepItl);
    this.#count();
  }
}
