import { readProfile } from '../src/config/profile-file.ts';
import type { EngineProfile } from '../src/core/model/profile.ts';
import { fitRuns } from '../src/sim/calibration/fit.ts';
import type { MeasuredRun } from '../src/sim/calibration/measured-run.ts';
import type { BenchOptions, Measurement } from './bench.ts';
import { type CpuRun, readCpuRuns } from './cpu-runs.ts';
import { absentRows, constantsNote, heldOut, type HeldOutRow } from './held-out.ts';
import type { Limit } from './limits.ts';
import { dataFolder } from './measured-runs.ts';

const data = 'perf/vllm-cpu-tiny';
const within = (limit: number): Limit => ({ op: '<=', limit, origin: 'what a fit on half of the runs must predict' });
const rows: readonly HeldOutRow[] = [
  { figure: 'ttftMean', metric: 'cpu-ttft-mean', limit: within(15) },
  { figure: 'tpotMean', metric: 'cpu-tpot-mean', limit: within(8) },
  { figure: 'e2eMean', metric: 'cpu-e2e-mean', limit: within(8) },
];
const overloaded: readonly HeldOutRow[] = [
  { figure: 'ttftMean', metric: 'cpu-overload-ttft-mean' },
  { figure: 'tpotMean', metric: 'cpu-overload-tpot-mean' },
  { figure: 'e2eMean', metric: 'cpu-overload-e2e-mean' },
];

/**
 * Every other run is fitted and the rest predicted, then the other way round. Runs that offered more than was served, and those short of KV
 * blocks, are fitted nowhere and shown without a bar: there a small error of capacity becomes any error of the queue.
 */
export async function cpuTruth({ say }: BenchOptions): Promise<readonly Measurement[]> {
  const folder = dataFolder(data);
  if (folder === undefined) return absentRows('vLLM on CPU', data, rows);
  const base = await engine();
  const measured = predicted('vLLM on CPU', readCpuRuns(folder), { base, say });
  // The machine's own drift taken out: what is left is the model's.
  const rescaled = predicted('vLLM on CPU, rescaled by own steps', readCpuRuns(folder, { isRescaled: true }), {
    base,
    say,
  });
  return [...measured, ...rescaled];
}

function predicted(
  title: string,
  all: readonly CpuRun[],
  { base, say }: { readonly base: EngineProfile; readonly say: BenchOptions['say'] },
): readonly Measurement[] {
  const steady = all.filter(({ isSteady }) => isSteady).map(({ run }) => run);
  const queued = all.filter(({ isSteady, isKvShort }) => !isSteady && !isKvShort).map(({ run }) => run);
  const short = all.filter(({ isKvShort }) => isKvShort).map(({ run }) => run);
  const halves = [steady.filter((_, i) => i % 2 === 0), steady.filter((_, i) => i % 2 === 1)] as const;
  return [halves, halves.toReversed()].flatMap(([known = [], unknown = []], i) => {
    const name = `${title}, half ${i + 1} predicts the other`;
    const { profile, looks } = fitRuns(known.map(judged), { base, free: ['alpha', 'beta', 'delta', 'gq', 'tau0'] });
    say(`${name}: ${constantsNote(profile)}; ${looks} looks`);
    return [
      ...heldOut(name, profile, unknown, rows),
      ...heldOut(`${name}: overload`, profile, queued, overloaded),
      ...heldOut(`${name}: 96 KV blocks`, { ...profile, kvCapacityTokens: 3072 }, short, overloaded),
    ];
  });
}

function judged(run: MeasuredRun): MeasuredRun {
  const { ttftMean, tpotMean, e2eMean } = run.measured;
  if (ttftMean === undefined || tpotMean === undefined || e2eMean === undefined) return run;
  return { ...run, measured: { ttftMean, tpotMean, e2eMean } };
}

/** Settings of the measured engine; constants as a start. Weights and KV of a 4 M model stay in the processor's cache: no reads to pin. */
async function engine(): Promise<EngineProfile> {
  const settings = { kvCapacityTokens: 43_680, blockTokens: 32, maxNumSeqs: 32, maxBatchedTokens: 1024 };
  const start = { alpha: 10, w: 0, beta: 0.1, gamma: 0, delta: 0.1, kappa: 0, gq: 1e-4, tau0: 5 };
  return { ...(await readProfile('llama-3.1-8b-h100')), ...settings, ...start, name: 'vllm-cpu-tiny' };
}
