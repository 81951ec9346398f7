import { appendFileSync } from 'node:fs';

/** One measured closed loop, for the suite's own summary. */
export interface LoopResult {
  readonly loop: string;
  readonly reactionSeconds?: number;
  readonly scaleWrites?: number;
  readonly note?: string;
}

export function record(result: LoopResult): void {
  const file = process.env['FOREWARM_CLUSTER_RESULTS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`);
}
