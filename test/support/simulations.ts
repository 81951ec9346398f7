import type { PolicyAnswer, PolicyView, SimulatedPolicy } from '../../src/sim/policies/policy.ts';
import { RandomStream } from '../../src/sim/rng.ts';
import { type Workload, workloadOf } from '../../src/sim/workload/workload.ts';

/** Poisson arrivals with uniform lengths around the means. */
export function poisson(options: {
  readonly rate: number;
  readonly seconds: number;
  readonly seed?: number;
  readonly prompt?: number;
  readonly output?: number;
}): Workload {
  const stream = new RandomStream(options.seed ?? 1, 'test/poisson');
  const length = (mean: number): number => Math.max(1, Math.round(2 * mean * stream.uniform()));
  const rows = [];
  for (
    let at = stream.exponential(1 / options.rate);
    at < options.seconds;
    at += stream.exponential(1 / options.rate)
  ) {
    const promptTokens = length(options.prompt ?? 500);
    rows.push({ arrivalMs: at * 1000, promptTokens, outputTokens: length(options.output ?? 100) });
  }
  return workloadOf('poisson', rows, options.seconds);
}

/** A policy that orders these sizes at these times (seconds), and keeps what it saw. */
export class Script implements SimulatedPolicy {
  readonly name = 'script';
  readonly tickSeconds: number;
  readonly initialReplicas: number;
  readonly views: PolicyView[] = [];
  readonly #orders: Readonly<Record<number, number>>;
  readonly #answer: (view: PolicyView) => Partial<PolicyAnswer>;

  constructor(
    orders: Readonly<Record<number, number>>,
    options: {
      readonly tickSeconds?: number;
      readonly initial?: number;
      readonly answer?: (view: PolicyView) => Partial<PolicyAnswer>;
    } = {},
  ) {
    this.#orders = orders;
    this.tickSeconds = options.tickSeconds ?? 5;
    this.initialReplicas = options.initial ?? 1;
    this.#answer = options.answer ?? (() => ({}));
  }

  decide(view: PolicyView): PolicyAnswer {
    this.views.push(view);
    const order = this.#orders[view.now / 1000];
    return {
      ...(order === undefined ? {} : { replicas: order }),
      actions: [],
      because: 'the script says so',
      ...this.#answer(view),
    };
  }
}
