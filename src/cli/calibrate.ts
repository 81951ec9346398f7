import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { readProfile } from '../config/profile-file.ts';
import { profileText } from '../config/profile-text.ts';
import { readTrace } from '../config/trace-file.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { ForewarmError } from '../errors.ts';
import {
  type Calibration,
  type CalibrationOptions,
  calibrateHistory,
  calibrateRuns,
} from '../sim/calibration/calibration.ts';
import type { History } from '../sim/calibration/history.ts';
import type { Arrivals } from '../sim/calibration/inference-perf.ts';
import type { MeasuredRun } from '../sim/calibration/measured-run.ts';
import { type Measurements, MeasurementsParser } from '../sim/calibration/measurements.ts';
import { calibrationText } from './calibrate-text.ts';
import { decimalNumber, oneOf, wholeNumber } from './flags.ts';

interface Flags {
  readonly base: string;
  readonly name: string;
  readonly out?: string;
  readonly w?: number;
  readonly gamma?: number;
  readonly bandwidth?: number;
  readonly weightsBytes?: number;
  readonly kvBytesPerToken?: number;
  readonly maxNumSeqs?: number;
  readonly maxBatchedTokens?: number;
  readonly kvCapacityTokens?: number;
  readonly blockTokens?: number;
  readonly gpusPerReplica?: number;
  readonly fitAttention: boolean;
  readonly arrivals: Arrivals;
  readonly output: 'table' | 'json';
}

const amount = decimalNumber({ min: 0, max: 1e15 });
const count = wholeNumber({ min: 1, max: 2_147_483_647 });

export function register(program: Command): void {
  program
    .command('calibrate')
    .description(
      'Fit an engine profile to measured runs of an engine, or to its metrics history, and say how far off it is',
    )
    .argument('<files...>', 'what was measured, plain or gzipped (docs/calibrate.md)')
    .requiredOption('--base <profile>', 'profile to begin with: its engine settings stay unless given below')
    .requiredOption('--name <name>', 'name of the new profile')
    .option('--out <file>', 'where the profile is written (default: NAME.yaml)')
    .option('--w <ms>', 'pins the time to read the weights', amount)
    .option('--gamma <ms>', 'pins the time to read the KV of one token', amount)
    .option('--bandwidth <GB/s>', "memory bandwidth of the replica's GPUs: pins what the next two flags give", amount)
    .option('--weights-bytes <n>', 'bytes of the weights', wholeNumber({ min: 0, max: 1e15 }))
    .option('--kv-bytes-per-token <n>', '2 x layers x KV heads x head size x bytes of a number', count)
    .option('--max-num-seqs <n>', 'engine setting', count)
    .option('--max-batched-tokens <n>', 'engine setting', count)
    .option('--kv-capacity-tokens <n>', 'engine setting (a history says it itself)', count)
    .option('--block-tokens <n>', 'engine setting', count)
    .option('--gpus-per-replica <n>', 'GPUs that one replica takes', count)
    .option('--fit-attention', 'fit gq, the quadratic part of prefill: long prompts, or a slow processor', false)
    .addOption(
      new Option('--arrivals <how>', 'how inference-perf spaced its requests')
        .choices(['constant', 'poisson'])
        .default('constant'),
    )
    .option('-o, --output <format>', 'table or json', oneOf('table', 'json'), 'table')
    .action(calibrate);
}

async function calibrate(files: readonly string[], flags: Flags): Promise<void> {
  const { base, free } = await startOf(flags);
  const read = await Promise.all(files.map((path) => measured(path, flags.arrivals)));
  const { calibration, notes } = fitted(read, { base, free, onLook: showLook });
  const path = flags.out ?? `${flags.name}.yaml`;
  await writeFile(path, profileText(calibration.profile)).catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `writing engine profile ${path}`, { cause });
  });
  for (const note of notes) process.stderr.write(`${note}\n`);
  process.stdout.write(
    flags.output === 'json'
      ? `${JSON.stringify({ ...calibration, path }, null, 2)}\n`
      : calibrationText(calibration, path),
  );
}

async function measured(path: string, arrivals: Arrivals): Promise<Measurements> {
  return readTrace(path, new MeasurementsParser(basename(path), arrivals));
}

/** On a terminal alone: hundreds of runs take minutes. */
function showLook(looks: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\rfitting, look ${looks} of at most 270\u001B[K${'\r'}`);
}

async function startOf(flags: Flags): Promise<CalibrationOptions> {
  const given = await readProfile(flags.base);
  const settings = Object.fromEntries(
    (['maxNumSeqs', 'maxBatchedTokens', 'kvCapacityTokens', 'blockTokens', 'gpusPerReplica', 'weightsBytes'] as const)
      .filter((name) => flags[name] !== undefined)
      .map((name) => [name, flags[name]]),
  );
  const pinned = pinnedBy(flags);
  const base: EngineProfile = { ...given, ...settings, ...pinned, name: flags.name };
  if (base.maxBatchedTokens < base.maxNumSeqs) {
    const limit = `at least --max-num-seqs (${base.maxNumSeqs})`;
    throw new ForewarmError('USAGE', `--max-batched-tokens must be ${limit}, was ${base.maxBatchedTokens}`);
  }
  const optional = (['w', 'gamma'] as const).filter((name) => pinned[name] === undefined);
  return {
    base,
    free: ['alpha', 'beta', 'delta', 'tau0', ...optional, ...(flags.fitAttention ? ['gq' as const] : [])],
  };
}

/** Milliseconds by the datasheet: GPUs reach 98 % of their bandwidth on weights and 94 % on KV. */
function pinnedBy({ w, gamma, bandwidth, weightsBytes, kvBytesPerToken }: Flags): Partial<EngineProfile> {
  if (bandwidth === undefined && kvBytesPerToken !== undefined) {
    throw new ForewarmError('USAGE', '--bandwidth must be given with --kv-bytes-per-token, was absent');
  }
  const read = (bytes: number | undefined, share: number): number | undefined =>
    bytes === undefined || bandwidth === undefined
      ? undefined
      : Number((bytes / (share * bandwidth * 1e6)).toPrecision(5));
  const pins = { w: w ?? read(weightsBytes, 0.98), gamma: gamma ?? read(kvBytesPerToken, 0.94) };
  return {
    ...(pins.w !== undefined && { w: pins.w }),
    ...(pins.gamma !== undefined && { gamma: pins.gamma }),
  };
}

function fitted(
  read: readonly Measurements[],
  start: CalibrationOptions,
): { readonly calibration: Calibration; readonly notes: readonly string[] } {
  const runs = read.flatMap((one): readonly MeasuredRun[] => (one.kind === 'Runs' ? one.runs : []));
  const histories = read.flatMap((one): readonly History[] => (one.kind === 'History' ? [one.history] : []));
  if (runs.length > 0 && histories.length > 0) {
    throw new ForewarmError('USAGE', 'the files must all be runs or all be metrics histories, were both');
  }
  const notes = read.flatMap((one) => (one.kind === 'Runs' ? one.notes : []));
  const calibration = runs.length > 0 ? calibrateRuns(runs, start) : calibrateHistory(joined(histories), start);
  if (calibration !== undefined) return { calibration, notes };
  const rows = histories.flatMap((history) => history.rows).length;
  const seen = runs.length > 0 ? `${runs.length} run` : `${rows} rows of history`;
  const wanted = 'two runs, one run of 20 requests timed one by one, or 4 busy minutes of history';
  throw new ForewarmError('TRACE_INVALID', `reading measurements: there must be at least ${wanted}, was ${seen}`);
}

function joined(histories: readonly History[]): History {
  return {
    rows: histories.flatMap(({ rows }) => rows).toSorted((a, b) => a.fromS - b.fromS),
    kvCapacityTokens: histories.find((one) => one.kvCapacityTokens !== undefined)?.kvCapacityTokens,
    blockTokens: histories.find((one) => one.blockTokens !== undefined)?.blockTokens,
  };
}
