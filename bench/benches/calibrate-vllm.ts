import { loadavg } from 'node:os';
import { readProfile } from '../../src/config/profile-file.ts';
import type { EngineProfile } from '../../src/core/model/profile.ts';
import { fitRuns } from '../../src/sim/calibration/fit.ts';
import { latenciesOf, type MeasuredRun, mediansOf } from '../../src/sim/calibration/measured-run.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { closedLoop } from '../closed-loop.ts';
import { constantsNote, heldOut, type HeldOutRow } from '../held-out.ts';
import type { Limit } from '../limits.ts';
import { missingForVllm, VllmEngine } from '../vllm-engine.ts';

export const bench: Bench = {
  about: 'calibration against the real vLLM on this CPU, measured now: fit on half of the runs, predict the other',
  takes: '3 min, and the installation once',
  fullTakes: '10 min',
  run,
};

const within = (limit: number): Limit => ({ op: '<=', limit, origin: 'what a fit on half of the runs must predict' });
const rows: readonly HeldOutRow[] = [
  { figure: 'ttftMean', metric: 'ttft-mean', limit: within(15) },
  { figure: 'tpotMean', metric: 'tpot-mean', limit: within(8) },
  { figure: 'e2eMean', metric: 'e2e-mean', limit: within(8) },
];
const engineSettings = { kvCapacityTokens: 43_680, blockTokens: 32, maxNumSeqs: 32, maxBatchedTokens: 1024 };
const flags = {
  'kv-cache-memory-bytes': '512M',
  'block-size': '32',
  'max-model-len': '2048',
  'max-num-seqs': '32',
  'max-num-batched-tokens': '1024',
};
const shapes = [
  { promptTokens: 128, outputTokens: 48 },
  { promptTokens: 384, outputTokens: 24 },
] as const;
const users = [1, 2, 4, 8, 16] as const;

async function run({ isFull, say }: BenchOptions): Promise<readonly Measurement[]> {
  const missing = missingForVllm();
  if (missing !== undefined) {
    return rows.map(({ metric }) => ({ case: 'vLLM', metric, value: null, unit: '%', note: `needs ${missing}` }));
  }
  say('starting vLLM');
  const engine = await VllmEngine.start(flags);
  try {
    const runs = await measure(engine.url, { repeats: 3, seconds: isFull ? 12 : 3, say });
    return [...(await scored(runs, say)), otherWork()];
  } finally {
    await engine.stop();
  }
}

function otherWork(): Measurement {
  const note = 'the errors are those of the machine where it is much above 1.5, which the engine and the client make';
  return { case: 'this machine', metric: 'load-average', value: loadavg()[0] ?? null, unit: 'processes', note };
}

interface MeasureOptions {
  readonly repeats: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** The repeats go round all loads, so that a slow minute of the machine touches each. */
async function measure(url: string, { repeats, seconds, say }: MeasureOptions): Promise<readonly MeasuredRun[]> {
  const loads = shapes.flatMap((shape) => users.map((count) => ({ ...shape, users: count })));
  await closedLoop({ url, users: 4, seconds: 3, promptTokens: 64, outputTokens: 8, seed: 0 });
  const seen = loads.map((): MeasuredRun[] => []);
  for (let repeat = 1; repeat <= repeats; repeat++) {
    say(`round ${repeat} of ${repeats}, other programs load the machine by ${loadavg()[0]?.toFixed(1)}`);
    for (const [i, load] of loads.entries()) {
      const requests = await closedLoop({ url, seconds, seed: 100 * repeat + i, ...load });
      const name = `${load.promptTokens}/${load.outputTokens}, ${load.users} users`;
      const sent = {
        kind: 'Closed',
        users: load.users,
        untilMs: seconds * 1000,
        requests: [...requests, ...requests],
      } as const;
      seen[i]?.push({ name, loads: [sent], measured: latenciesOf(requests) });
    }
  }
  return seen.flatMap((all) => {
    const [first] = all;
    return first === undefined ? [] : [{ ...first, measured: judged(all) }];
  });
}

function judged(all: readonly MeasuredRun[]): MeasuredRun['measured'] {
  const { ttftMean = 0, tpotMean = 0, e2eMean = 0 } = mediansOf(all.map(({ measured }) => measured));
  return { ttftMean, tpotMean, e2eMean };
}

async function scored(runs: readonly MeasuredRun[], say: (line: string) => void): Promise<readonly Measurement[]> {
  const start = { alpha: 10, w: 0, beta: 0.1, gamma: 0, delta: 0.1, kappa: 0, gq: 1e-4, tau0: 5 };
  const base: EngineProfile = {
    ...(await readProfile('llama-3.1-8b-h100')),
    ...engineSettings,
    ...start,
    name: 'vllm',
  };
  const halves = [runs.filter((_, i) => i % 2 === 0), runs.filter((_, i) => i % 2 === 1)] as const;
  return [halves, halves.toReversed()].flatMap(([known = [], unknown = []], i) => {
    const { profile } = fitRuns(known, { base, free: ['alpha', 'beta', 'delta', 'gq', 'tau0'] });
    const name = `half ${i + 1} predicts the other`;
    say(`${name}: ${constantsNote(profile)}`);
    return heldOut(name, profile, unknown, rows);
  });
}
