import type { ArtifactNeed } from '../core/model/policy.ts';
import type { NodeName } from '../core/model/pool.ts';
import type { Agenda } from './agenda.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import { Outages } from './faults/outages.ts';
import type { GpuTally } from './gpu-time.ts';
import { Downloads } from './downloads.ts';
import { SimNode } from './node.ts';
import { NodePool } from './node-pool.ts';
import { PodStart } from './pod-start.ts';
import { SimPod } from './pod.ts';
import type { Replica } from './replica.ts';
import type { Scenario } from './scenario.ts';
import { drawAssignedPull, drawDownload, drawStart, drawTime, type StartDraw } from './start-phases.ts';
import { victims } from './victims.ts';

export interface ClusterObserver {
  /** The pod answers from now on. */
  ready(pod: SimPod, atMs: number): void;
  /** The pod gets no more requests; what it has it may finish. */
  draining(pod: SimPod, atMs: number): void;
  /** The pod's engine died where it was; `lost` requests were in it. The pod may be ready again later. */
  stopped(pod: SimPod, engine: Replica, lost: readonly number[]): void;
  /** The pod is gone; `lost` requests were still in it. */
  gone(pod: SimPod, atMs: number, lost: readonly number[]): void;
}

export interface ClusterOptions {
  readonly scenario: Scenario;
  readonly artifact: ArtifactNeed;
  readonly agenda: Agenda;
  readonly faults: FaultSchedule;
  /** Takes the GPU time of pods. */
  readonly tally: GpuTally;
  readonly observer: ClusterObserver;
  readonly engine: (startMs: number) => Replica;
}

/**
 * Nodes, pods and what Kubernetes does with them: creates and deletes pods as the size is set, binds each to the first node with free GPUs
 * (one that holds the weights is preferred, then one that holds the image), walks it through its start, drains it as the pod template says.
 */
export class Cluster {
  /** Those that are there and those that may come. */
  readonly nodes: readonly SimNode[];
  readonly #options: ClusterOptions;
  readonly #pods = new Map<string, SimPod>();
  readonly #podStart: PodStart;
  readonly #nodePool: NodePool;
  readonly #outages: Outages;
  #replicas = 0;
  #ordinal = 0;
  #starts = 0;
  #coldStarts = 0;
  #warmStarts = 0;
  #peak = 0;
  /** GPU milliseconds of pods that are gone. */
  #releasedGpuMs = 0;
  /** Of the workload; GPUs are counted until then. */
  readonly #endMs: number;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#endMs = options.scenario.workload.durationSeconds * 1000;
    const { scenario, artifact, agenda, faults } = options;
    const downloads = new Downloads({
      agenda,
      contention: scenario.lifecycle.contention,
      holders: (nowMs) => this.#holders(nowMs),
    });
    this.nodes = Array.from({ length: scenario.nodes }, (_, i) => newNode(i + 1, options, downloads));
    this.#nodePool = new NodePool({ scenario, agenda, nodes: this.nodes, arrived: (at) => this.reschedule(at) });
    const ready = (pod: SimPod, at: number): void => this.#becomeReady(pod, at);
    this.#podStart = new PodStart({ scenario, artifact, agenda, faults, ready });
    this.#outages = new Outages(faults, agenda, this);
  }

  /** All pods that exist, terminating ones too, in order of creation. */
  get pods(): readonly SimPod[] {
    return [...this.#pods.values()];
  }

  /** The nodes that are there. */
  get presentNodes(): readonly SimNode[] {
    return this.#nodePool.present;
  }

  get coldStarts(): number {
    return this.#coldStarts;
  }

  get warmStarts(): number {
    return this.#warmStarts;
  }

  get peakReplicas(): number {
    return this.#peak;
  }

  /** Pods that are Ready at 0 on nodes that hold everything; those that no node has room for wait like any other. */
  begin(replicas: number): void {
    this.#replicas = replicas;
    for (let i = 0; i < replicas; i++) {
      const node = this.#firstOf(this.#withRoom(), 0) ?? this.#nodePool.addAtOnce();
      if (node === undefined) {
        this.#start(0);
        continue;
      }
      const pod = this.#create(0);
      if (!node.hasWeights(this.#options.artifact.hash, 0)) node.warm(this.#options.artifact);
      this.#bind(pod, node, 0);
      pod.usesNodeCache = node.useWeights(this.#options.artifact, 0, 0).isFromCache;
      pod.enter('PullingImage', 0, 'imageAt');
      pod.enter('LoadingWeights', 0, 'weightsAt');
      this.#becomeReady(pod, 0);
    }
  }

  /** The workload's spec.replicas is now this. */
  setReplicas(replicas: number, nowMs: number): void {
    this.#replicas = replicas;
    const living = this.pods.filter((pod) => !pod.isTerminating);
    for (let n = living.length; n < replicas; n++) this.#start(nowMs);
    for (const pod of victims(living, living.length - replicas)) this.#delete(pod, nowMs);
  }

  stop(pod: SimPod, nowMs: number): void {
    const engine = pod.takeEngine(nowMs);
    if (engine !== undefined) this.#options.observer.stopped(pod, engine, engine.kill());
  }

  evict(pod: SimPod, nowMs: number): void {
    pod.cancel();
    this.#remove(pod, nowMs, []);
    this.setReplicas(this.#replicas, nowMs);
  }

  restart(pod: SimPod, more: number, nowMs: number): void {
    this.#podStart.restart(pod, more, nowMs);
  }

  resume(pod: SimPod, nowMs: number): void {
    if (pod.usesNodeCache) pod.node?.leaveWeights(this.#options.artifact.hash);
    pod.usesNodeCache = false;
    pod.wakeMs = undefined;
    if (pod.draw === undefined) return;
    pod.enter('PullingImage', nowMs);
    this.#podStart.begin(pod, pod.draw, nowMs);
  }

  reschedule(nowMs: number): void {
    for (const waiting of this.pods) waiting.retry?.(nowMs);
  }

  /** Victims are preferred at the next scale-down, all others are not. */
  protect(ids: readonly string[]): void {
    for (const pod of this.#pods.values()) pod.deletionCost = ids.includes(pod.id) || ids.includes(pod.name) ? -1 : 0;
  }

  node(name: NodeName): SimNode | undefined {
    return this.presentNodes.find((node) => node.name === name);
  }

  /** GPUs x milliseconds from allocation to release, up to now and never beyond the end of the workload. */
  gpuMs(nowMs: number): number {
    let sum = this.#releasedGpuMs;
    for (const pod of this.#pods.values()) sum += this.#gpuMsOf(pod, nowMs);
    return sum;
  }

  /** Puts what living pods have used until now on the tally; engines must have been brought to the present. */
  count(nowMs: number): void {
    for (const pod of this.#pods.values()) pod.count(nowMs);
  }

  #create(nowMs: number): SimPod {
    const pod = new SimPod(this.#ordinal++, nowMs, { tally: this.#options.tally, endMs: this.#endMs });
    this.#pods.set(pod.id, pod);
    this.#outages.watch(pod, nowMs);
    return pod;
  }

  #start(nowMs: number): void {
    const pod = this.#create(nowMs);
    const draw = drawStart(this.#options.scenario, this.#starts++);
    pod.draw = draw;
    this.#podStart.after(pod, nowMs + draw.scheduleMs, (at) => this.#place(pod, draw, at));
  }

  #place(pod: SimPod, draw: StartDraw, nowMs: number): void {
    const node = this.#nodeFor(nowMs);
    if (node === undefined) {
      pod.enter('Unschedulable', nowMs);
      pod.retry = (at): void => this.#place(pod, draw, at);
      this.#nodePool.request(this.pods.filter(({ retry }) => retry !== undefined).length, nowMs);
      return;
    }
    pod.retry = undefined;
    this.#bind(pod, node, nowMs);
    this.#wakeSleeper(pod, node);
    this.#countStart(pod, nowMs);
    this.#podStart.begin(pod, draw, nowMs);
  }

  #wakeSleeper(pod: SimPod, node: SimNode): void {
    const { scenario } = this.#options;
    const { sleeping } = scenario.lifecycle;
    if (sleeping === undefined || node.sleepers === 0) return;
    node.sleepers--;
    pod.startedWarm = true;
    pod.wakeMs = drawTime(scenario.seed, `wake/${pod.ordinal}`, sleeping.wake);
  }

  /** Starts after the workload's end are not part of the result. */
  #countStart(pod: SimPod, nowMs: number): void {
    if (nowMs > this.#endMs) return;
    if (pod.startedWarm === true) this.#warmStarts++;
    else this.#coldStarts++;
  }

  #bind(pod: SimPod, node: SimNode, nowMs: number): void {
    node.allocate(this.#options.scenario.profile.gpusPerReplica);
    pod.node = node;
    pod.boundMs = nowMs;
    pod.startedWarm = node.hasWeights(this.#options.artifact.hash, nowMs);
    pod.enter('PullingImage', nowMs, 'scheduledAt');
    const bound = this.pods.filter((other) => other.node !== undefined && !other.isTerminating).length;
    this.#peak = Math.max(this.#peak, bound);
  }

  #becomeReady(pod: SimPod, nowMs: number): void {
    pod.enter('Ready', nowMs, pod.milestones.readyAt === undefined ? 'readyAt' : undefined);
    pod.readySinceMs = nowMs;
    pod.engine = this.#options.engine(nowMs);
    this.#options.observer.ready(pod, nowMs);
  }

  #delete(pod: SimPod, nowMs: number): void {
    pod.cancel();
    const engine = pod.engine;
    if (engine === undefined) return this.#remove(pod, nowMs, []);
    engine.advance(nowMs);
    pod.enter('Draining', nowMs);
    engine.drain();
    this.#options.observer.draining(pod, nowMs);
    this.#drain(pod, engine, nowMs + this.#options.scenario.gracePeriodSeconds * 1000);
  }

  #drain(pod: SimPod, engine: Replica, deadlineMs: number): void {
    const now = this.#options.agenda.now;
    if (engine.inFlight === 0) {
      this.#layToSleep(pod);
      return this.#remove(pod, now, []);
    }
    if (now >= deadlineMs) return this.#remove(pod, now, engine.kill());
    const at = Math.min(deadlineMs, Math.max(now, engine.nextChangeMs) + 0.001);
    this.#podStart.after(pod, at, () => {
      engine.advance(at);
      this.#drain(pod, engine, deadlineMs);
    });
  }

  #layToSleep({ node }: SimPod): void {
    const { sleeping } = this.#options.scenario.lifecycle;
    if (node !== undefined && sleeping !== undefined && node.sleepers < sleeping.perNode) node.sleepers++;
  }

  #remove(pod: SimPod, nowMs: number, lost: readonly number[]): void {
    this.#releasedGpuMs += this.#gpuMsOf(pod, nowMs);
    pod.count(nowMs);
    this.#pods.delete(pod.id);
    pod.node?.release(this.#options.scenario.profile.gpusPerReplica);
    if (pod.usesNodeCache) pod.node?.leaveWeights(this.#options.artifact.hash);
    if (pod.node !== undefined) this.#nodePool.released(pod.node, nowMs);
    this.#options.observer.gone(pod, nowMs, lost);
    this.reschedule(nowMs);
  }

  #nodeFor(nowMs: number): SimNode | undefined {
    const { faults } = this.#options;
    return this.#firstOf(
      this.#withRoom().filter((node) => node.isHealthy && !faults.isWithdrawn(node.number, nowMs)),
      nowMs,
    );
  }

  #withRoom(): readonly SimNode[] {
    return this.presentNodes.filter((node) => node.freeGpus >= this.#options.scenario.profile.gpusPerReplica);
  }

  #firstOf(fitting: readonly SimNode[], nowMs: number): SimNode | undefined {
    const { hash } = this.#options.artifact;
    return (
      fitting.find((node) => node.sleepers > 0) ??
      fitting.find((node) => node.hasWeights(hash, nowMs)) ??
      fitting.find((node) => node.hasImage(nowMs)) ??
      fitting[0]
    );
  }

  #holders(nowMs: number): readonly number[] {
    const { hash } = this.#options.artifact;
    return this.presentNodes.flatMap((node) => (!node.isLost && node.hasWeights(hash, nowMs) ? [node.number] : []));
  }

  #gpuMsOf(pod: SimPod, untilMs: number): number {
    if (pod.boundMs < 0) return 0;
    const { profile } = this.#options.scenario;
    return Math.max(0, Math.min(untilMs, this.#endMs) - pod.boundMs) * profile.gpusPerReplica;
  }
}

function newNode(number: number, { scenario, faults }: ClusterOptions, downloads: Downloads): SimNode {
  const name = `node-${`${number}`.padStart(`${scenario.nodes}`.length, '0')}`;
  const pullMs = (nowMs: number): number => drawAssignedPull(scenario, name) * faults.imageFactor(nowMs);
  return new SimNode({
    name,
    number,
    gpus: scenario.gpusPerNode,
    diskBytes: scenario.nodeDiskBytes,
    downloads: downloads.of(number),
    downloadMs: (k, nowMs) => drawDownload(scenario, name, k) * faults.weightsFactor(nowMs),
    assignedPullMs: scenario.assignBringsImage ? pullMs : undefined,
  });
}
