import { type Agenda, priorities } from '../agenda.ts';
import type { SimNode } from '../node.ts';
import type { SimPod } from '../pod.ts';
import type { FaultSchedule, Loss } from './schedule.ts';

/** What an outage does to a cluster. */
export interface OutageTarget {
  readonly nodes: readonly SimNode[];
  readonly pods: readonly SimPod[];
  /** The engine stops where it is; what it had is lost. */
  stop(pod: SimPod, nowMs: number): void;
  /** Removes the pod; the workload makes another. */
  evict(pod: SimPod, nowMs: number): void;
  restart(pod: SimPod, more: number, nowMs: number): void;
  /** Goes on with a start that its node's loss had cut off. */
  resume(pod: SimPod, nowMs: number): void;
  /** Asks the scheduler again for what it had no room. */
  reschedule(nowMs: number): void;
}

/** Makes nodes and engines fail at the times that the faults say. */
export class Outages {
  readonly #faults: FaultSchedule;
  readonly #agenda: Agenda;
  readonly #target: OutageTarget;

  constructor(faults: FaultSchedule, agenda: Agenda, target: OutageTarget) {
    this.#faults = faults;
    this.#agenda = agenda;
    this.#target = target;
    for (const loss of faults.losses) this.#plan(loss);
    for (const atMs of faults.returnsMs) this.#at(atMs, (at) => target.reschedule(at));
  }

  /** A pod is there: its engine may be due to die. */
  watch(pod: SimPod, nowMs: number): void {
    for (const { atMs, times } of this.#faults.crashesOf(pod.ordinal)) {
      if (atMs < nowMs) continue;
      this.#at(atMs, (at) => {
        if (pod.phase !== 'Ready' || pod.engine === undefined) return;
        this.#target.stop(pod, at);
        this.#target.restart(pod, times - 1, at);
      });
    }
  }

  #plan({ nodes: numbers, fromMs, noticedMs, evictedMs, toMs }: Loss): void {
    const nodes = this.#target.nodes.filter(({ number }) => numbers.includes(number));
    this.#at(fromMs, (at) => nodes.forEach((node) => this.#lose(node, at)));
    if (noticedMs < toMs) this.#at(noticedMs, (at) => nodes.forEach((node) => this.#notice(node, at)));
    if (evictedMs < toMs) this.#at(evictedMs, (at) => this.#evict(nodes, at));
    this.#at(toMs, (at) => this.#return(nodes, at));
  }

  #lose(node: SimNode, nowMs: number): void {
    node.lose(nowMs);
    for (const pod of this.#on(node)) {
      pod.cancel();
      this.#target.stop(pod, nowMs);
      if (pod.isTerminating) this.#target.evict(pod, nowMs);
    }
  }

  #notice(node: SimNode, nowMs: number): void {
    node.isHealthy = false;
    for (const pod of this.#on(node)) {
      if (pod.phase === 'Ready') pod.enter('Unready', nowMs);
    }
  }

  #evict(nodes: readonly SimNode[], nowMs: number): void {
    for (const node of nodes) for (const pod of this.#on(node)) this.#target.evict(pod, nowMs);
  }

  #return(nodes: readonly SimNode[], nowMs: number): void {
    for (const node of nodes) {
      node.recover();
      for (const pod of this.#on(node)) {
        if (pod.milestones.readyAt === undefined) this.#target.resume(pod, nowMs);
        else this.#target.restart(pod, 0, nowMs);
      }
    }
    this.#target.reschedule(nowMs);
  }

  #on(node: SimNode): readonly SimPod[] {
    return this.#target.pods.filter((pod) => pod.node === node);
  }

  #at(atMs: number, act: (at: number) => void): void {
    this.#agenda.schedule(atMs, priorities.lifecycle, act);
  }
}
