import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProfile } from '../src/config/profile-file.ts';
import { describe } from '../src/core/model/result.ts';
import { fitRuns } from '../src/sim/calibration/fit.ts';
import { parseSweepCsv, type SweepPoint } from '../src/sim/calibration/sweep-csv.ts';
import type { BenchOptions, Measurement } from './bench.ts';
import { absentRows, constantsNote, heldOut, type HeldOutRow } from './held-out.ts';
import { dataFolder } from './measured-runs.ts';

const data = 'perf/inferno-guidellm-sweeps';
const fitted: readonly string[] = ['256/256', '1024/1024', '4096/64'];
const rows: readonly HeldOutRow[] = [
  { figure: 'itlMean', metric: 'sweep-itl' },
  { figure: 'ttftP50', metric: 'sweep-ttft-p50' },
  { figure: 'e2eMean', metric: 'sweep-e2e' },
];

/**
 * Eight points of each of three shapes are fitted: one request at a time and the seven lower rates; all lower rates of the other thirteen shapes
 * are predicted. The highest rate of a shape is at capacity, where latencies say nothing about a model. From the datasheet: w, 16.06 GB of
 * weights at 3.35 TB/s; gamma, 128 KiB of KV a token at 94 % of that.
 */
export async function sweepTruth({ say }: BenchOptions): Promise<readonly Measurement[]> {
  const folder = dataFolder(data);
  if (folder === undefined) return absentRows('inferno guidellm sweeps', data, rows);
  const points = readSweeps(join(folder, 'llama31-8b_sweep.csv')).filter(({ isLast }) => !isLast);
  const known = points.filter(({ shape }) => fitted.includes(shape)).map(({ run }) => run);
  const unknown = points.filter(({ shape, isAlone }) => !fitted.includes(shape) && !isAlone).map(({ run }) => run);
  say(`fitting alpha, beta, delta and tau0 to ${known.length} points of inferno's sweeps`);
  const preset = await readProfile('llama-3.1-8b-h100');
  const datasheet = { w: 4.79, gamma: 4.16e-5 };
  const base = { ...preset, ...datasheet, alpha: 2, beta: 0.03, delta: 0.02, tau0: 8 };
  const { profile, looks } = fitRuns(known, { base, free: ['alpha', 'beta', 'delta', 'tau0'], maxLooks: 100 });
  say(`${constantsNote(profile)}; ${looks} looks`);
  return heldOut(`inferno guidellm sweeps, ${unknown.length} rows not fitted`, profile, unknown, rows);
}

function readSweeps(path: string): readonly SweepPoint[] {
  const read = parseSweepCsv(readFileSync(path, 'utf8').split('\n'));
  if (read.ok) return read.value;
  throw new TypeError(`${path}: ${describe(read.problem)}`);
}
