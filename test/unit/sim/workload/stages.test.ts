import { describe, expect, it } from 'vitest';
import { fixedLengths, type LengthSampler } from '../../../../src/sim/workload/lengths.ts';
import { stagesSource } from '../../../../src/sim/workload/stages.ts';
import { prefixOf, type Workload } from '../../../../src/sim/workload/workload.ts';

const stages = [
  { rate: 1, duration: 20 },
  { rate: 3, duration: 20 },
  { rate: 6, duration: 20 },
];
const lengths = { min: 64, max: 192, mean: 128, std_dev: 32, total_count: 300 };
const data = {
  type: 'random',
  input_distribution: lengths,
  output_distribution: { type: 'fixed', mean: 40, max: 64, min: 16 },
};

function drawn(document: unknown, sampler?: LengthSampler, seed = 1): Workload {
  const source = stagesSource('config', document, sampler);
  if (!source.ok) throw new TypeError(source.problem.field);
  return source.value.draw({ seed, from: 0, to: source.value.durationSeconds, rateScale: 1, timeScale: 1 });
}

describe('an inference-perf config', () => {
  it('sends each stage at its rate, evenly, with a rest between', () => {
    const workload = drawn({ load: { type: 'constant', interval: 2, stages }, data });
    expect(workload.durationSeconds).toBe(64);
    expect(workload.arrivalMs.length).toBe(20 + 60 + 120);
    expect(workload.arrivalMs.slice(0, 3)).toStrictEqual(Float64Array.of(0, 1000, 2000));
    expect(workload.arrivalMs[20]).toBe(22_000);
    expect(workload.arrivalMs.at(-1)).toBeCloseTo((44 + 20 - 1 / 6) * 1000, 6);
    expect(Math.min(...workload.promptTokens)).toBeGreaterThanOrEqual(64);
    expect(Math.max(...workload.promptTokens)).toBeLessThanOrEqual(192);
    expect(workload.promptTokens.reduce((a, b) => a + b, 0) / 200 / 128).toBeCloseTo(1, 1);
    expect(workload.outputTokens.every((tokens) => tokens === 40)).toBe(true);
  });

  it('sends Poisson load by the seed', () => {
    const poisson = { load: { type: 'poisson', stages: [{ rate: 50, duration: 60 }] }, data };
    expect(drawn(poisson).arrivalMs.length / 3000).toBeCloseTo(1, 1);
    expect(drawn(poisson)).toStrictEqual(drawn(poisson));
    expect(drawn(poisson, undefined, 2)).not.toStrictEqual(drawn(poisson));
  });

  it('shares the system prompt in a group of prompts', () => {
    const shared_prefix = {
      num_groups: 3,
      num_prompts_per_group: 4,
      system_prompt_len: 64,
      question_len: 40,
      output_len: 5,
    };
    const workload = drawn({
      load: { stages: [{ rate: 10, duration: 60 }] },
      data: { type: 'shared_prefix', shared_prefix },
    });
    expect(workload).toMatchObject({ prefixes: { blockTokens: 16, distinct: 3 * 4 + 12 * 3 } });
    const firsts = new Set(Array.from(workload.promptTokens, (_, i) => prefixOf(workload, i)?.[0]));
    expect(firsts.size).toBe(3);
    expect(workload.promptTokens[0]).toBe(104);
  });

  const types = {
    normal: { mean: 500, std_dev: 50 },
    skew_normal: { mean: 500, std_dev: 50, skew: 0 },
    lognormal: { mean: 500, std_dev: 400 },
    uniform: { min: 400, max: 600 },
    poisson: { mean: 500 },
  } as const;
  for (const [type, given] of Object.entries(types)) {
    it(`draws ${type} lengths around their mean`, () => {
      const input_distribution = { min: 1, max: 100_000, ...given, type };
      const workload = drawn({
        load: { stages: [{ rate: 100, duration: 100 }] },
        data: { ...data, input_distribution },
      });
      const mean = workload.promptTokens.reduce((a, b) => a + b, 0) / workload.promptTokens.length;
      expect(mean / 500).toBeCloseTo(1, 1);
      expect(new Set(workload.promptTokens).size).toBeGreaterThan(50);
    });
  }

  it('takes lengths from the caller where its own are real texts', () => {
    const texts = { load: { stages }, data: { type: 'shareGPT' } };
    expect(stagesSource('config', texts)).toMatchObject({
      ok: false,
      problem: { field: 'data.type', seen: '"shareGPT"' },
    });
    expect(drawn(texts, fixedLengths(7, 8)).promptTokens[0]).toBe(7);
  });

  const load = { type: 'constant', stages };
  const bad = {
    'a closed loop': [{ load: { ...load, type: 'concurrent' }, data }, 'load.type', '"concurrent"'],
    'a sweep': [{ load: { ...load, sweep: { type: 'linear' } }, data }, 'load.sweep', '"present"'],
    'no stages': [{ load: { type: 'constant', stages: [] }, data }, 'load.stages', '[]'],
    'a stage without a rate': [
      { load: { stages: [{ rate: 1, duration: 2 }, { duration: 3 }] }, data },
      'load.stages[1].rate',
      '"absent"',
    ],
    'a stage of no time': [{ load: { stages: [{ rate: 1, duration: 0 }] }, data }, 'load.stages[0].duration', '0'],
    'an unknown distribution': [
      { load, data: { ...data, input_distribution: { type: 'zipf' } } },
      'data.input_distribution.type',
      '"zipf"',
    ],
    'a maximum below the minimum': [
      { load, data: { ...data, output_distribution: { min: 5, max: 4 } } },
      'data.output_distribution.max',
      '4',
    ],
    'a word for a number': [
      { load, data: { ...data, input_distribution: { mean: 'many' } } },
      'data.input_distribution.mean',
      '"many"',
    ],
    'groups without prompts': [
      { load, data: { type: 'shared_prefix', shared_prefix: { num_groups: 1 } } },
      'data.shared_prefix.num_prompts_per_group',
      '"absent"',
    ],
    'a document that is a list': [[1, 2], 'load.stages', '"absent"'],
  } as const;
  for (const [name, [document, field, seen]] of Object.entries(bad)) {
    it(`refuses ${name}`, () =>
      expect(stagesSource('config', document)).toMatchObject({ ok: false, problem: { field, seen } }));
  }
});
