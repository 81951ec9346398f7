import { type Agenda, priorities } from './agenda.ts';
import type { SimNode } from './node.ts';
import type { Scenario } from './scenario.ts';
import { drawTime } from './start-phases.ts';

export interface NodePoolOptions {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly nodes: readonly SimNode[];
  readonly arrived: (nowMs: number) => void;
}

/** The nodes that are there. Where the scenario lets the pool grow, they come by order with a lead time and go when they stood empty. */
export class NodePool {
  readonly #options: NodePoolOptions;
  readonly #present = new Set<SimNode>();
  readonly #ordered = new Set<SimNode>();
  #orders = 0;

  constructor(options: NodePoolOptions) {
    this.#options = options;
    const initial = options.scenario.lifecycle.nodePool?.initialNodes ?? options.nodes.length;
    for (const node of options.nodes.slice(0, initial)) {
      this.#present.add(node);
      this.#watchIdle(node, 0);
    }
  }

  get present(): readonly SimNode[] {
    return this.#present.size === this.#options.nodes.length
      ? this.#options.nodes
      : this.#options.nodes.filter((node) => this.#present.has(node));
  }

  /** A node more from the beginning; none when all are there. */
  addAtOnce(): SimNode | undefined {
    const node = this.#absent();
    if (node !== undefined) this.#present.add(node);
    return node;
  }

  /** So many pods found no room: orders the nodes that they need beyond those on their way. */
  request(pods: number, nowMs: number): void {
    const { scenario, agenda, arrived } = this.#options;
    const pool = scenario.lifecycle.nodePool;
    if (pool === undefined) return;
    const perNode = Math.max(1, Math.floor(scenario.gpusPerNode / scenario.profile.gpusPerReplica));
    while (this.#ordered.size * perNode < pods) {
      const node = this.#absent();
      if (node === undefined) return;
      this.#ordered.add(node);
      const leadMs = drawTime(scenario.seed, `node/${this.#orders++}`, pool.lead);
      agenda.schedule(nowMs + leadMs, priorities.lifecycle, (at) => {
        this.#ordered.delete(node);
        this.#present.add(node);
        this.#watchIdle(node, at);
        arrived(at);
      });
    }
  }

  /** A pod left the node: when it is empty and stays so, it goes. */
  released(node: SimNode, nowMs: number): void {
    this.#watchIdle(node, nowMs);
  }

  #watchIdle(node: SimNode, nowMs: number): void {
    const { scenario, agenda } = this.#options;
    const idleSeconds = scenario.lifecycle.nodePool?.idleSeconds;
    if (idleSeconds === undefined || !node.isEmpty) return;
    const { allocations } = node;
    agenda.schedule(nowMs + idleSeconds * 1000, priorities.lifecycle, () => {
      if (node.allocations !== allocations || !this.#present.delete(node)) return;
      node.wipe();
    });
  }

  #absent(): SimNode | undefined {
    return this.#options.nodes.find((node) => !this.#present.has(node) && !this.#ordered.has(node));
  }
}
