import { ok, problem, type Result } from '../../core/model/result.ts';
import { RandomStream } from '../rng.ts';
import { ColumnBuilder } from './columns.ts';
import type { LengthSampler } from './lengths.ts';
import { distributionOf } from './length-distribution.ts';
import { sharedPrefixOf } from './shared-prefix.ts';
import { wholeSource, type WorkloadSource } from './source.ts';
import type { Workload } from './workload.ts';

/** What draws the requests of a stage: lengths, and what the prompts share. */
export interface PromptSampler {
  readonly about: string;
  readonly prefixBlockTokens?: number;
  draw(stream: RandomStream): {
    readonly promptTokens: number;
    readonly outputTokens: number;
    readonly prefix?: ArrayLike<number>;
  };
}

interface Stage {
  readonly rate: number;
  readonly duration: number;
}

interface Load {
  readonly type: 'constant' | 'poisson';
  readonly stages: readonly Stage[];
  /** Seconds of rest between two stages. */
  readonly interval: number;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The `load` and `data` of an inference-perf config, as the requests that it would send. `lengths` stand in where `data` names a set of real prompts. */
export function stagesSource(name: string, document: unknown, lengths?: LengthSampler): Result<WorkloadSource> {
  const load = loadOf(fieldOf(document, 'load'));
  if (!load.ok) return load;
  const prompts = lengths === undefined ? promptsOf(fieldOf(document, 'data')) : ok<PromptSampler>(lengths);
  if (!prompts.ok) return prompts;
  const { stages, interval, type } = load.value;
  const durationSeconds = stages.reduce((sum, { duration }) => sum + duration + interval, -interval);
  const rates = stages.map(({ rate }) => rate).join(', ');
  const note = `${stages.length} stages of ${type} load at ${rates} requests a second, ${prompts.value.about}.`;
  const draw = (seed: number): Workload => drawn(load.value, prompts.value, seed).workload(name, durationSeconds);
  return ok(wholeSource({ name, durationSeconds }, draw, [note]));
}

function drawn({ stages, interval, type }: Load, prompts: PromptSampler, seed: number): ColumnBuilder {
  const columns = new ColumnBuilder(prompts.prefixBlockTokens);
  const gaps = new RandomStream(seed, 'stages/arrivals');
  const stream = new RandomStream(seed, 'stages/prompts');
  let from = 0;
  for (const { rate, duration } of stages) {
    const next = (): number => (type === 'constant' ? 1 / rate : gaps.exponential(1 / rate));
    for (let at = type === 'constant' ? 0 : next(); at < duration - 1e-9; at += next()) {
      columns.push({ arrivalMs: (from + at) * 1000, ...prompts.draw(stream) });
    }
    from += duration + interval;
  }
  return columns;
}

export function fieldOf(document: unknown, field: string): unknown {
  return isFields(document) ? document[field] : undefined;
}

export function isFields(document: unknown): document is Fields {
  return typeof document === 'object' && document !== null && !Array.isArray(document);
}

function loadOf(load: unknown): Result<Load> {
  const type = fieldOf(load, 'type') ?? 'constant';
  if (type !== 'constant' && type !== 'poisson') {
    return problem('load.type', type, "'constant' or 'poisson': only those say when requests arrive");
  }
  const interval = fieldOf(load, 'interval') ?? 15;
  if (typeof interval !== 'number' || interval < 0) return problem('load.interval', interval, 'seconds, at least 0');
  if (isFields(fieldOf(load, 'sweep'))) return problem('load.sweep', 'present', 'absent: it is found while running');
  const stages = stagesOf(fieldOf(load, 'stages'));
  return stages.ok ? ok({ type, interval, stages: stages.value }) : stages;
}

function stagesOf(given: unknown): Result<readonly Stage[]> {
  if (!Array.isArray(given) || given.length === 0) return problem('load.stages', given ?? 'absent', 'a list of stages');
  const read: Stage[] = [];
  for (const [i, one] of given.entries()) {
    const stage = stageOf(one, `load.stages[${i}]`);
    if (!stage.ok) return stage;
    read.push(stage.value);
  }
  return ok(read);
}

function stageOf(given: unknown, path: string): Result<Stage> {
  const rate = fieldOf(given, 'rate');
  if (typeof rate !== 'number' || !(rate > 0 && rate <= 1e6)) {
    return problem(`${path}.rate`, rate ?? 'absent', 'requests a second, above 0');
  }
  const duration = fieldOf(given, 'duration');
  if (typeof duration === 'number' && duration > 0 && duration <= 1e7) return ok({ rate, duration });
  return problem(`${path}.duration`, duration ?? 'absent', 'seconds, above 0');
}

function promptsOf(data: unknown): Result<PromptSampler> {
  const type = fieldOf(data, 'type');
  if (type === 'shared_prefix') return sharedPrefixOf(fieldOf(data, 'shared_prefix'));
  if (type !== 'random' && type !== 'synthetic') {
    const allowed = "'random', 'synthetic' or 'shared_prefix'; for others say the lengths by --lengths";
    return problem('data.type', type ?? 'absent', allowed);
  }
  const prompt = distributionOf('data.input_distribution', fieldOf(data, 'input_distribution'));
  if (!prompt.ok) return prompt;
  const output = distributionOf('data.output_distribution', fieldOf(data, 'output_distribution'));
  if (!output.ok) return output;
  return ok({
    about: `${prompt.value.about} tokens in, ${output.value.about} out`,
    draw: (stream) => ({ promptTokens: prompt.value.draw(stream), outputTokens: output.value.draw(stream) }),
  });
}
