import type { Datasheet, EngineSettings } from './datasheet.ts';
import type { EngineProfile } from './profile.ts';
import { ok, problem, type Result } from './result.ts';

/** Shares of the datasheet's bandwidth that reading weights and reading KV reach (fitted on H100). */
const weightsBandwidthShare = 0.98;
const kvBandwidthShare = 0.94;
/** Share of the peak that prefill reaches: fitted for BF16 on H100, assumed for the others. */
const flopShare = { BF16: 0.66, FP8: 0.45, FP4: 0.3 } as const;
/** ms of each iteration on one GPU, and of each of the two all-reduces of a layer on several. */
const iterationMs = 2.1;
const allReduceMs = { NvLink: 0.016, Pcie: 0.06 } as const;
/** ms a sequence, of dense models. */
const sequenceMs = 0.02;
/** What vLLM takes of the memory by default, and what activations and the runtime take of that (GiB a GPU). */
const memoryShare = 0.9;
const activationGib = 5.5;
const runtimeGib = 0.5;
const gib = 2 ** 30;

/** By this share the iteration time of an estimate is off, either way: 15-20 % in the mean over measured points, up to a third with eight GPUs. */
export const estimateError = 0.25;

/**
 * An engine profile from datasheets, for an engine that nobody measured. An estimate, and labelled as one:
 *   w     = weights / TP / (0.98 bandwidth)                 gamma = KV bytes / TP / (0.94 bandwidth)
 *   beta  = 2 parameters / TP / (MFU peak) + 4 layers hidden (TP - 1) / TP / link
 *   alpha = 2.1 ms + 2 layers t(all-reduce)                 delta = 0.02 ms
 * KV capacity: 0.9 of the memory less weights, activations and runtime. Source of form and constants: regressions on measured points of Llama-3.1-8B
 * on H100; on dense models in FP8 and FP4 with 1 to 8 GPUs it misses by 15-20 % in the mean. A problem names the field that cannot be.
 */
export function profileFromDatasheet(settings: EngineSettings, sheet: Datasheet): Result<EngineProfile> {
  const { model, gpu, tensorParallel: tp, link } = sheet;
  if (tp > 1 && link === undefined) {
    return problem('datasheet.link', 'absent', `present where \`tensorParallel\` is above 1 (${tp})`);
  }
  const kvCapacityTokens = kvTokens(sheet);
  if (kvCapacityTokens < settings.blockTokens) {
    const needs = (model.weightsBytes / gib / tp + activationGib + runtimeGib) / memoryShare;
    return problem('datasheet.gpu.memoryGib', gpu.memoryGib, `above ${needs.toFixed(1)}: weights leave no room for KV`);
  }
  const bytesPerMs = gpu.memoryGbPerSecond * 1e6;
  return ok({
    ...settings,
    alpha: iterationMs + (tp > 1 && link !== undefined ? 2 * model.layers * allReduceMs[link.kind] : 0),
    w: model.weightsBytes / tp / (weightsBandwidthShare * bytesPerMs),
    beta: computeMs(sheet) + linkMs(sheet),
    gamma: model.kvBytesPerToken / tp / (kvBandwidthShare * bytesPerMs),
    delta: sequenceMs,
    kappa: 0,
    gq: 0,
    kvCapacityTokens,
    gpusPerReplica: tp,
    weightsBytes: model.weightsBytes,
    validity: 'estimated from datasheets, right to 25 % either way',
    isValidated: false,
    iterationError: estimateError,
  });
}

/** ms a token. */
function computeMs({ model, gpu, precision, tensorParallel }: Datasheet): number {
  return (2 * model.parameters) / tensorParallel / (flopShare[precision] * gpu.teraflops * 1e9);
}

/** ms a token: two all-reduces of a layer move its hidden state in two bytes a number. */
function linkMs({ model, tensorParallel: tp, link }: Datasheet): number {
  if (link === undefined) return 0;
  return (4 * model.layers * model.hiddenSize * ((tp - 1) / tp)) / (link.gbPerSecond * 1e6);
}

function kvTokens({ model, gpu, tensorParallel: tp }: Datasheet): number {
  const free = memoryShare * gpu.memoryGib - model.weightsBytes / gib / tp - activationGib - runtimeGib;
  return Math.max(0, Math.floor((free * gib * tp) / model.kvBytesPerToken));
}
