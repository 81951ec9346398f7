import { RandomStream } from '../rng.ts';
import { ColumnBuilder } from './columns.ts';
import type { Lengths } from './lengths.ts';
import type { Workload } from './workload.ts';

export interface ShapedPrompt extends Lengths {
  readonly prefix?: ArrayLike<number>;
}

/** Traffic written as a rule: what rate at which second, and which prompts. */
export interface Shape {
  readonly seconds: number;
  /** Requests per second at a second. */
  readonly rate: (second: number) => number;
  prompt(stream: RandomStream, second: number): ShapedPrompt;
  readonly prefixBlockTokens?: number;
  /** Seconds of single requests beside the rate. */
  readonly single?: readonly number[];
}

/** Poisson arrivals at the rate of each second. The same seed draws the same requests. */
export function shapedWorkload(name: string, shape: Shape, seed: number): Workload {
  const columns = new ColumnBuilder(shape.prefixBlockTokens);
  const gaps = new RandomStream(seed, `${name}/arrivals`);
  const prompts = new RandomStream(seed, `${name}/prompts`);
  const push = (at: number): void => columns.push({ arrivalMs: at * 1000, ...shape.prompt(prompts, at) });
  for (let second = 0; second < shape.seconds; second++) {
    const rate = shape.rate(second);
    const end = Math.min(second + 1, shape.seconds);
    if (rate > 0)
      for (let at = second + gaps.exponential(1 / rate); at < end; at += gaps.exponential(1 / rate)) push(at);
  }
  for (const at of shape.single ?? []) push(at);
  return columns.workload(`${name} of seed ${seed}`, shape.seconds);
}

type Point = readonly [second: number, value: number];

/** The value of the last point that has been reached. */
export function stairs(...points: readonly Point[]): (second: number) => number {
  return (second) => points.findLast(([at]) => at <= second)?.[1] ?? 0;
}

/** On the line between the points. */
export function lines(...points: readonly Point[]): (second: number) => number {
  return (second) => {
    const next = points.findIndex(([at]) => at > second);
    const [from, low] = points[next < 0 ? points.length - 1 : next - 1] ?? [0, 0];
    const [to, high] = points[next] ?? [from, low];
    return to === from ? low : low + ((high - low) * (second - from)) / (to - from);
  };
}

/** Exactly these lengths. */
export function exactly(promptTokens: number, outputTokens: number): () => Lengths {
  return () => ({ promptTokens, outputTokens });
}

/** Half to one and a half times these lengths, evenly. */
export function around(promptTokens: number, outputTokens: number): (stream: RandomStream) => Lengths {
  const near = (stream: RandomStream, nominal: number): number =>
    Math.max(1, Math.round(nominal * (0.5 + stream.uniform())));
  return (stream) => ({ promptTokens: near(stream, promptTokens), outputTokens: near(stream, outputTokens) });
}
