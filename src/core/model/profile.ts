/**
 * Model x GPU x engine constants of the iteration-time form
 *   T_iter = alpha + (w^3 + (beta n)^3)^(1/3) + gamma KV + delta B + kappa admitted + gq chunk (ctx + chunk/2)     [ms]
 *   TTFT   = end of the last prefill chunk - arrival + tau0
 * n scheduled tokens, KV context tokens of the scheduled sequences, B scheduled sequences.
 */
export interface EngineProfile {
  readonly name: string;
  /** ms per iteration. */
  readonly alpha: number;
  /** ms, weight-read floor. */
  readonly w: number;
  /** ms per scheduled token. */
  readonly beta: number;
  /** ms per context token. */
  readonly gamma: number;
  /** ms per scheduled sequence. */
  readonly delta: number;
  /** ms per newly admitted request. */
  readonly kappa: number;
  /** ms per token squared of prefill attention. */
  readonly gq: number;
  /** ms outside the iteration: API, tokenizer. */
  readonly tau0: number;
  readonly kvCapacityTokens: number;
  readonly blockTokens: number;
  readonly maxNumSeqs: number;
  readonly maxBatchedTokens: number;
  readonly gpusPerReplica: number;
  readonly weightsBytes: number;
  /** Where the constants come from and for which lengths and concurrencies they were checked. */
  readonly validity: string;
  readonly isValidated: boolean;
  /** Share by which iterations may take longer or shorter than this says; the k-band is drawn so wide. Absent: 0.1. */
  readonly iterationError?: number;
}
