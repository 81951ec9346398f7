import type { Limit } from './limits.ts';

/** What a bench measured: one figure of one case. `value` null: it could not be measured here, and `note` says what is absent. */
export interface Measurement {
  readonly case: string;
  /** Names the bar of the bench in limits.yaml; a metric without a bar is shown and never judged. */
  readonly metric: string;
  readonly value: number | null;
  readonly unit: string;
  /** A figure taken in the same run that the value is compared with. */
  readonly reference?: number;
  readonly note?: string;
  /** The bench's own bar for the metric, where limits.yaml has none. */
  readonly limit?: Limit;
}

export interface BenchOptions {
  readonly isFull: boolean;
  /** Only these cases, where a bench has cases to choose from. */
  readonly only?: readonly string[];
  /** A file of finished scores, for a bench that can go on from one. */
  readonly scores?: string;
  /** Tells, on stderr, what is being done. */
  readonly say: (line: string) => void;
}

/** Each file of `bench/benches` exports one of these as `bench`; its name is the file's. */
export interface Bench {
  /** One line for the list. */
  readonly about: string;
  /** What a run takes on two cores, for people: `20 s`. */
  readonly takes: string;
  readonly fullTakes: string;
  /** It takes `only` and `scores`. */
  readonly hasCases?: boolean;
  readonly run: (options: BenchOptions) => Promise<readonly Measurement[]>;
}
