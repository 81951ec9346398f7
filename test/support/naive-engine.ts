import type { EngineProfile } from '../../src/core/model/profile.ts';

export interface NaiveRequest {
  readonly id: number;
  readonly atMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}
interface Held extends NaiveRequest {
  computed: number;
  generated: number;
  target: number;
  lastMs: number;
}
export interface NaiveOutcome {
  readonly firstTokenMs: ReadonlyMap<number, number>;
  readonly finishedMs: ReadonlyMap<number, number>;
  readonly gaps: readonly number[];
  readonly preemptions: number;
  readonly iterations: number;
}

/** The engine written down as slowly and plainly as possible: one iteration after the other, one sequence after the other. */
export function naiveEngine(profile: EngineProfile, requests: readonly NaiveRequest[]): NaiveOutcome {
  const { blockTokens: size } = profile;
  const blocks = (tokens: number): number => Math.ceil(tokens / size);
  const arriving = [...requests].sort((a, b) => a.atMs - b.atMs);
  const waiting: Held[] = [];
  let running: Held[] = [];
  const firstTokenMs = new Map<number, number>();
  const finishedMs = new Map<number, number>();
  const gaps: number[] = [];
  let clock = 0;
  let preemptions = 0;
  let iterations = 0;
  const free = (): number =>
    Math.floor(profile.kvCapacityTokens / size) - running.reduce((sum, held) => sum + blocks(held.computed), 0);

  while (arriving.length + waiting.length + running.length > 0) {
    const next = arriving[0];
    if (waiting.length + running.length === 0 && next !== undefined) clock = Math.max(clock, next.atMs);
    while (arriving[0] !== undefined && arriving[0].atMs <= clock) {
      const request = arriving.shift();
      if (request === undefined) break;
      waiting.push({ ...request, computed: 0, generated: 0, target: request.promptTokens, lastMs: -1 });
    }
    let budget = profile.maxBatchedTokens;
    let evicted = false;
    const chunks = new Map<Held, number>();
    let context = 0;
    let square = 0;
    let admitted = 0;
    const schedule = (held: Held, chunk: number): void => {
      chunks.set(held, chunk);
      context += held.computed;
      if (held.generated === 0 || held.computed + 1 < held.target) square += chunk * (held.computed + chunk / 2);
      held.computed += chunk;
      budget -= chunk;
    };
    for (let i = 0; i < running.length; i++) {
      const held = running[i];
      if (held === undefined) break;
      const chunk = Math.min(held.target - held.computed, budget);
      while (running.includes(held) && blocks(held.computed + chunk) - blocks(held.computed) > free()) {
        const victim = running.pop();
        if (victim === undefined) break;
        victim.computed = 0;
        waiting.unshift(victim);
        preemptions++;
        evicted = true;
      }
      if (running.includes(held)) schedule(held, chunk);
    }
    while (!evicted && budget > 0 && running.length < profile.maxNumSeqs) {
      const held = waiting[0];
      if (held === undefined) break;
      const chunk = Math.min(held.target, budget);
      if (blocks(chunk) > free()) break;
      waiting.shift();
      running.push(held);
      admitted++;
      schedule(held, chunk);
    }
    const tokens = [...chunks.values()].reduce((sum, chunk) => sum + chunk, 0);
    const knee = Math.cbrt(profile.w ** 3 + (profile.beta * tokens) ** 3);
    clock +=
      profile.alpha +
      knee +
      profile.gamma * context +
      profile.delta * chunks.size +
      profile.kappa * admitted +
      profile.gq * square;
    iterations++;
    for (const held of [...running]) {
      if (!chunks.has(held) || held.computed < held.target) continue;
      held.generated++;
      held.target = held.promptTokens + held.generated;
      if (held.lastMs < 0) firstTokenMs.set(held.id, clock);
      else gaps.push(clock - held.lastMs);
      held.lastMs = clock;
      if (held.generated === held.outputTokens) {
        finishedMs.set(held.id, clock);
        running = running.filter((other) => other !== held);
      }
    }
  }
  return { firstTokenMs, finishedMs, gaps, preemptions, iterations };
}
