import { ok, problem, type Result } from '../../core/model/result.ts';
import type { RandomStream } from '../rng.ts';

/** One of the distributions that inference-perf draws token counts from. */
export interface LengthDistribution {
  readonly about: string;
  draw(stream: RandomStream): number;
}

const types = ['normal', 'skew_normal', 'lognormal', 'uniform', 'poisson', 'fixed'] as const;
type Type = (typeof types)[number];

interface Shape {
  readonly type: Type;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly deviation: number;
  readonly skew: number;
}

/** Defaults are the tool's: normal, 10 to 1024, mean 512, deviation 200. */
export function distributionOf(path: string, given: unknown): Result<LengthDistribution> {
  const fields = new Map<string, unknown>(typeof given === 'object' && given !== null ? Object.entries(given) : []);
  const type = types.find((one) => one === (fields.get('type') ?? 'normal'));
  if (type === undefined) return problem(`${path}.type`, fields.get('type'), `one of ${types.join(', ')}`);
  const numbers = new Map<string, number>();
  for (const name of ['min', 'max', 'mean', 'std_dev', 'variance', 'skew']) {
    const seen = fields.get(name) ?? undefined;
    if (seen === undefined) continue;
    const isNumber = typeof seen === 'number' && (name === 'skew' || seen >= 0);
    if (!isNumber) return problem(`${path}.${name}`, seen, 'a number of at least 0');
    numbers.set(name, seen);
  }
  return shapeOf(path, type, numbers);
}

function shapeOf(path: string, type: Type, numbers: ReadonlyMap<string, number>): Result<LengthDistribution> {
  const number = (name: string, otherwise: number): number => numbers.get(name) ?? otherwise;
  const [min, max] = [number('min', 10), number('max', 1024)];
  if (max < 1 || max < min) return problem(`${path}.max`, max, `at least 1 and \`min\` (${min})`);
  const deviation = number('std_dev', Math.sqrt(number('variance', 40_000)));
  return ok(drawing({ type, min, max, mean: number('mean', 512), deviation, skew: number('skew', 0) }));
}

function drawing(shape: Shape): LengthDistribution {
  const { type, min, max, mean } = shape;
  const about = type === 'fixed' ? `${mean}` : `${type} ${min} to ${max}`;
  return { about, draw: (stream) => Math.max(1, Math.round(Math.min(max, Math.max(min, sample(shape, stream))))) };
}

function sample({ type, min, max, mean, deviation, skew }: Shape, stream: RandomStream): number {
  if (type === 'fixed') return Math.min(max, Math.max(min, mean));
  if (type === 'uniform') return min + (max - min) * stream.uniform();
  if (type === 'poisson') return mean + Math.sqrt(mean) * stream.normal();
  if (type === 'lognormal') return lognormal(mean, deviation, stream);
  return mean + deviation * (type === 'skew_normal' ? skewed(skew, stream) : stream.normal());
}

function lognormal(mean: number, deviation: number, stream: RandomStream): number {
  const variance = Math.log(1 + (deviation / Math.max(1, mean)) ** 2);
  return stream.lognormal(mean * Math.exp(-variance / 2), Math.sqrt(variance));
}

/** Location 0, scale 1. */
function skewed(skew: number, stream: RandomStream): number {
  const delta = skew / Math.sqrt(1 + skew * skew);
  return delta * Math.abs(stream.normal()) + Math.sqrt(1 - delta * delta) * stream.normal();
}
