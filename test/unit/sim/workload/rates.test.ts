import { describe, expect, it } from 'vitest';
import { fixedLengths, lognormalLengths } from '../../../../src/sim/workload/lengths.ts';
import { RateSeriesParser, type RateUnit } from '../../../../src/sim/workload/rate-series.ts';
import { rateSource } from '../../../../src/sim/workload/rate-source.ts';
import type { WorkloadSource } from '../../../../src/sim/workload/source.ts';
import type { Workload } from '../../../../src/sim/workload/workload.ts';
import { parsed, read } from '../../../support/lines.ts';

const lengths = fixedLengths(300, 100);

function source(lines: readonly string[], unit?: RateUnit): WorkloadSource {
  return rateSource(read(new RateSeriesParser('series', unit), lines), lengths);
}

function draw(
  of: WorkloadSource,
  part: { from?: number; to?: number; rateScale?: number; seed?: number } = {},
): Workload {
  return of.draw({ seed: 1, from: 0, to: of.durationSeconds, rateScale: 1, timeScale: 1, ...part });
}

const within = (workload: Workload, from: number, to: number): number =>
  workload.arrivalMs.filter((at) => at >= from * 1000 && at < to * 1000).length;

describe('a series of rates', () => {
  const columns = {
    'a column of requests a second as such': ['t_s,rps', 0, 60, '10', 600],
    'a column of requests a minute': ['t_s,requests_per_min', 0, 60, '600', 600],
    'a column of requests an hour': ['hour,mean_requests_per_hour', 0, 1, '36000', 36_000],
    'a column of values as requests in a step': ['timestamp,value', 0, 60, '600', 600],
    'tokens a second by the mean lengths': ['t_s,total_tokens_per_s', 0, 60, '4000', 600],
    'a known column among others': ['lo,t_s,rpm_mid,hi', 0, 60, '600', 600],
  } as const;
  for (const [name, [header, first, second, value, want]] of Object.entries(columns)) {
    it(`reads ${name}`, () => {
      const row = (at: number): string => (header.startsWith('lo') ? `1,${at},${value},9` : `${at},${value}`);
      const workload = draw(source([header, row(first), row(second)]));
      expect(workload.arrivalMs.length / 2 / want).toBeGreaterThan(0.9);
      expect(workload.arrivalMs.length / 2 / want).toBeLessThan(1.1);
      expect(workload.promptTokens.every((tokens) => tokens === 300)).toBe(true);
    });
  }

  it('reads dates, and what the caller says the column counts', () => {
    const dated = source(['timestamp,value', '2014-04-10 00:04:00,2', '2014-04-10 00:09:00,2'], 'per-second');
    expect(dated.durationSeconds).toBe(600);
    expect(draw(dated).arrivalMs.length / 1200).toBeCloseTo(1, 1);
    expect(dated.notes).toStrictEqual([
      'Rates, not requests: column value read as requests a second, steps of 300 s, Poisson arrivals within, 300 tokens in, 100 out.',
    ]);
  });

  const day = source(['t_s,rps', '0,10', '100,0', '200,20', '300,10']);

  it('keeps to the rate of each step, in whatever part of it is drawn', () => {
    const whole = draw(day);
    expect(within(whole, 0, 100)).toBeGreaterThan(900);
    expect(within(whole, 100, 200)).toBe(0);
    expect(within(whole, 200, 300) / 2000).toBeCloseTo(1, 1);
    const part = draw(day, { from: 150, to: 250 });
    expect(part.durationSeconds).toBe(100);
    expect(within(part, 0, 50)).toBe(0);
    expect(within(part, 50, 100) / 1000).toBeCloseTo(1, 1);
  });

  it('draws scaled traffic at the scaled rate, the same for the same seed', () => {
    expect(draw(day, { rateScale: 5 }).arrivalMs.length / draw(day).arrivalMs.length).toBeCloseTo(5, 0);
    expect(draw(day, { rateScale: 0.1 }).arrivalMs.length).toBeLessThan(500);
    expect(draw(day, { seed: 4 })).toStrictEqual(draw(day, { seed: 4 }));
    expect(draw(day, { seed: 4 })).not.toStrictEqual(draw(day, { seed: 5 }));
  });

  it('fills steps that are missing between their neighbours and says so: unknown is not zero', () => {
    const holes = ['t_s,rps,missing', '0,100,0', '60,0,1', '120,300,0', '180,300,0', '360,600,0', '420,600,0'];
    const read = source(holes);
    expect(read.notes[1]).toBe('3 steps (37.5%) are not in the file: filled in between their neighbours.');
    expect(within(draw(read), 60, 120) / 12_000).toBeCloseTo(1, 1);
    expect(within(draw(read), 240, 300) / 24_000).toBeCloseTo(1, 1);
  });

  it('refuses to draw more than memory holds', () => {
    const busy = source(['t_s,rps', '0,1000', '86400,1000']);
    expect(() => draw(busy)).toThrow(
      'series must be cut by --slice or thinned by --rate-scale to at most 30000000 requests, was about 172800000',
    );
    expect(busy.outline(1).arrivalMs.length / 200_000).toBeCloseTo(1, 1);
  });

  const bad = {
    'a negative rate': [['t_s,rps', '0,1', '60,-1'], 'line 3: `rps` must be a number of at least 0, was "-1"'],
    'an empty rate': [['t_s,rps', '0,'], 'line 2: `rps` must be a number of at least 0, was ""'],
    'time that stands still': [['t_s,rps', '0,1', '0,1'], 'line 3: `t_s` must be later than the row before, was "0"'],
    'a missing cell': [['t_s,rps', '0'], 'line 2: `columns` must be 2 cells as in the header, was 1'],
    'a date that is none': [
      ['timestamp,value', '2014-14-10 00:00:00,1'],
      'line 2: `timestamp` must be a time as \'2023-11-16 18:15:46.6805900\', was "2014-14-10 00:00:00"',
    ],
    'one row': [['t_s,rps', '0,1'], '`rows` must be at least two: the time between them is the step, was 1'],
  } as const;
  for (const [name, [lines, want]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => expect(parsed(new RateSeriesParser('series'), lines)).toBe(want));
  }
});

describe('lognormal lengths', () => {
  it('have the mean that rates of tokens are divided by', () => {
    const sampler = lognormalLengths({ median: 760, sigma: 0.985 }, { median: 151, sigma: 0.859 });
    const workload = draw(rateSource(read(new RateSeriesParser('s'), ['t_s,rps', '0,100', '200,100']), sampler));
    const sum = [...workload.promptTokens, ...workload.outputTokens].reduce((a, b) => a + b, 0);
    expect(sum / workload.arrivalMs.length / sampler.meanTokens).toBeCloseTo(1, 1);
  });
});
