import type { SimPod } from '../pod.ts';

/** A replica that is gone and still in the metrics. */
export interface Ghost<Page> {
  readonly pod: SimPod;
  readonly page: Page;
  readonly goneMs: number;
  readonly untilMs: number;
}

/** Series of replicas that are gone, for as long as a fault keeps them. */
export class Ghosts<Page> {
  #ghosts: readonly Ghost<Page>[] = [];

  keep(ghost: Ghost<Page>): void {
    if (ghost.untilMs > ghost.goneMs) this.#ghosts = [...this.#ghosts, ghost];
  }

  at(nowMs: number): readonly Ghost<Page>[] {
    if (this.#ghosts.length > 0) this.#ghosts = this.#ghosts.filter(({ untilMs }) => untilMs > nowMs);
    return this.#ghosts;
  }
}
