import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../../src/sim/rng.ts';
import { LengthsParser, parseLengths } from '../../../../src/sim/workload/lengths.ts';
import { QuantileSampler } from '../../../../src/sim/workload/quantiles.ts';
import { parsed, read } from '../../../support/lines.ts';

const stream = new RandomStream(1, 'test/lengths');

describe('--lengths', () => {
  it('takes fixed and lognormal lengths, and leaves the rest to be a file', () => {
    const fixed = parseLengths('fixed:1024/256');
    expect(fixed?.ok === true && fixed.value.draw(stream)).toStrictEqual({ promptTokens: 1024, outputTokens: 256 });
    expect(parseLengths('lognormal:760/0.985,151/0.859')).toMatchObject({
      ok: true,
      value: { about: 'lognormal lengths, medians 760 in and 151 out' },
    });
    expect(parseLengths('lengths.csv')).toBeUndefined();
  });

  const bad = ['fixed:0/1', 'fixed:10', 'fixed:1/2/3', 'lognormal:760/0.985', 'lognormal:0/1,1/1', 'lognormal:a/b,c/d'];
  for (const text of bad) {
    it(`refuses '${text}'`, () => {
      expect(parseLengths(text)).toMatchObject({ ok: false, problem: { field: '--lengths', seen: `"${text}"` } });
    });
  }

  it('draws pairs of a file together, without those that have no answer', () => {
    const pairs = read(new LengthsParser('pairs.csv'), ['output_tokens,input_tokens', '1,10', '2,20', '0,99']);
    expect(pairs).toMatchObject({ about: 'lengths of pairs.csv', meanTokens: 16.5 });
    const drawn = Array.from({ length: 100 }, () => pairs.draw(stream));
    expect(drawn.every(({ promptTokens, outputTokens }) => promptTokens === 10 * outputTokens)).toBe(true);
    expect(new Set(drawn.map(({ outputTokens }) => outputTokens))).toStrictEqual(new Set([1, 2]));
  });

  it('names the line of a pair that cannot be', () => {
    const lines = ['input_tokens,output_tokens', '5,6', 'x,6'];
    const want = 'line 3: `input_tokens` must be a whole number from 1 to 10000000, was "x"';
    expect(parsed(new LengthsParser('pairs.csv'), lines)).toBe(want);
  });
});

describe('QuantileSampler', () => {
  const drawn = (mean: number): readonly number[] => {
    const sampler = new QuantileSampler({ mean, values: [20, 40, 60, 100, 400, 1000] });
    return Array.from({ length: 50_000 }, () => sampler.draw(stream)).toSorted((a, b) => a - b);
  };

  it('has the quantiles it was given, and by its tail the mean', () => {
    const values = drawn(150);
    for (const [share, want] of [
      [0.05, 20],
      [0.25, 40],
      [0.5, 60],
      [0.75, 100],
      [0.95, 400],
      [0.99, 1000],
    ] as const) {
      expect(Math.abs((values[Math.floor(share * values.length)] ?? 0) / want - 1)).toBeLessThan(0.1);
    }
    expect(values.reduce((a, b) => a + b, 0) / values.length / 150).toBeCloseTo(1, 1);
  });

  it('has no tail where the mean leaves none', () => {
    expect(Math.max(...drawn(1))).toBe(1000);
  });
});
