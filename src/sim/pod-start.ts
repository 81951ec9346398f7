import type { ArtifactNeed } from '../core/model/policy.ts';
import { type Agenda, priorities } from './agenda.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import type { SimPod } from './pod.ts';
import type { Scenario } from './scenario.ts';
import { drawRestart, type StartDraw } from './start-phases.ts';

export interface PodStartOptions {
  readonly scenario: Scenario;
  readonly artifact: ArtifactNeed;
  readonly agenda: Agenda;
  readonly faults: FaultSchedule;
  readonly ready: (pod: SimPod, atMs: number) => void;
}

/** Walks a bound pod through its start: image, weights, engine; and a pod whose engine died through the next one. */
export class PodStart {
  readonly #options: PodStartOptions;

  constructor(options: PodStartOptions) {
    this.#options = options;
  }

  /** A lost node does nothing until it is back. */
  begin(pod: SimPod, draw: StartDraw, nowMs: number): void {
    const { node } = pod;
    if (node === undefined || node.isLost) return;
    if (pod.wakeMs !== undefined) return this.#wake(pod, pod.wakeMs, nowMs);
    const image = node.pullImage(nowMs, draw.imageMs * this.#options.faults.imageFactor(nowMs));
    pod.cancel = image.after(nowMs, (at) => this.#loadWeights(pod, draw, at));
  }

  #loadWeights(pod: SimPod, draw: StartDraw, nowMs: number): void {
    pod.enter('LoadingWeights', nowMs, 'imageAt');
    const downloadMs = draw.weightsMs * this.#options.faults.weightsFactor(nowMs);
    const use = pod.node?.useWeights(this.#options.artifact, nowMs, downloadMs);
    if (use === undefined) return;
    pod.usesNodeCache = use.isFromCache;
    const stop = use.download.after(nowMs, (at) => this.#startEngine(pod, draw.engineMs, at));
    pod.cancel = (): void => {
      stop();
      if (!use.isFromCache) use.download.cancel();
    };
  }

  #startEngine(pod: SimPod, engineMs: number, nowMs: number): void {
    pod.enter('StartingEngine', nowMs, 'weightsAt');
    this.after(pod, nowMs + engineMs, (at) => this.#options.ready(pod, at));
  }

  /** An engine that sleeps on the node has image and weights. */
  #wake(pod: SimPod, wakeMs: number, nowMs: number): void {
    pod.enter('LoadingWeights', nowMs, 'imageAt');
    this.#startEngine(pod, wakeMs, nowMs);
  }

  /** The engine died; the kubelet starts it anew, at first at once. It dies so often again as `more` says. */
  restart(pod: SimPod, more: number, nowMs: number): void {
    pod.enter('Unready', nowMs);
    const engineMs = drawRestart(this.#options.scenario, pod.ordinal, pod.restarts++);
    this.after(pod, nowMs + engineMs, (at) => {
      if (more > 0) this.#backOff(pod, more, at);
      else this.#options.ready(pod, at);
    });
  }

  #backOff(pod: SimPod, more: number, nowMs: number): void {
    pod.enter('CrashLooping', nowMs);
    const backOffMs = Math.min(300, 10 * 2 ** (pod.restarts - 1)) * 1000;
    this.after(pod, nowMs + backOffMs, (at) => this.restart(pod, more - 1, at));
  }

  after(pod: SimPod, atMs: number, act: (at: number) => void): void {
    pod.cancel = this.#options.agenda.schedule(atMs, priorities.lifecycle, act);
  }
}
