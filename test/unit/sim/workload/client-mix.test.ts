import { describe, expect, it } from 'vitest';
import { clientMix } from '../../../../src/sim/workload/client-mix.ts';
import { ClientGapsParser, ClientRatesParser, ClientTokensParser } from '../../../../src/sim/workload/client-tables.ts';
import type { WorkloadSource } from '../../../../src/sim/workload/source.ts';
import type { Workload } from '../../../../src/sim/workload/workload.ts';
import { parsed, read } from '../../../support/lines.ts';

const rates = ['t_s,c7,c3', '0,2,0.5', '600,,1', '1200,1,'];
const gaps = ['client,t_s,iat_cv,family(G=Gamma W=Weibull),shape', 'c7,0,5,G,0.04', 'c3,0,0.3,W,4'];
const quantiles = (at: number): string => [at, at, at, at, at, at, at].join(',');
const own = [
  'client,t_s,requests,field,mean,p5,p25,p50,p75,p95,p99',
  `c7,0,9,input,${quantiles(700)},output,${quantiles(70)}`,
];
const pool = [
  't_s,field,requests,mean,p5,p25,p50,p75,p95,p99',
  `0,input_tokens,9,${quantiles(300)}`,
  `0,output_tokens,9,${quantiles(30)}`,
];

const mix: WorkloadSource = clientMix({
  name: 'mix',
  rates: read(new ClientRatesParser(), rates),
  gaps: read(new ClientGapsParser(), gaps),
  tokens: new Map([...read(new ClientTokensParser(), pool), ...read(new ClientTokensParser(), own)]),
});

function draw(part: { from?: number; to?: number; rateScale?: number; seed?: number } = {}): Workload {
  return mix.draw({ seed: 1, from: 0, to: 1800, rateScale: 1, timeScale: 1, ...part });
}

const of = (workload: Workload, prompt: number): number[] =>
  [...workload.arrivalMs].filter((_, i) => workload.promptTokens[i] === prompt);

/** Variance over mean of the counts in windows of 10 s: 1 for a Poisson process. */
function dispersion(arrivals: readonly number[], seconds: number): number {
  const counts = Array.from(
    { length: seconds / 10 },
    (_, k) => arrivals.filter((at) => Math.floor(at / 10_000) === k).length,
  );
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / counts.length / mean;
}

describe('a mix of clients', () => {
  it('gives every client its rate in every window, its lengths or the pool’s, and its burstiness', () => {
    const whole = draw();
    expect(whole.durationSeconds).toBe(1800);
    const [seven, three] = [of(whole, 700), of(whole, 300)];
    expect([seven.length, three.length]).toStrictEqual([1200 + 600, 300 + 600]);
    expect(seven.some((at) => at > 600_001 && at < 1_200_000)).toBe(false);
    expect(three.some((at) => at >= 1_200_000)).toBe(false);
    expect(
      dispersion(
        seven.filter((at) => at < 600_000),
        600,
      ),
    ).toBeGreaterThan(3);
    expect(
      dispersion(
        three.filter((at) => at < 600_000),
        600,
      ),
    ).toBeLessThan(0.5);
    expect(mix.notes).toStrictEqual([
      'A mix of 2 clients in windows of 600 s, drawn from their rates, gaps and quantiles of lengths.',
      "1 of them have no lengths of their own: theirs are drawn from the pool's.",
    ]);
  });

  it('draws the same requests whether a part is drawn or the whole', () => {
    const part = draw({ from: 300, to: 900 });
    const cut = [...draw().arrivalMs].filter((at) => at >= 300_000 && at < 900_000).map((at) => at - 300_000);
    expect(part.arrivalMs.length).toBe(cut.length);
    for (const [i, at] of cut.entries()) expect(part.arrivalMs[i]).toBeCloseTo(at, 6);
  });

  it('thins, and copies, and knows its outline without drawing it', () => {
    expect(draw({ rateScale: 0.1 }).arrivalMs.length / 270).toBeCloseTo(1, 0);
    expect(draw({ rateScale: 2 }).arrivalMs.length).toBe(2 * 2700);
    expect(mix.outline(1).arrivalMs.length / 2700).toBeCloseTo(1, 1);
  });

  const bad = {
    'a rate that is none': [
      new ClientRatesParser(),
      ['t_s,c1', '0,x'],
      'line 2: `c1` must be a number of at least 0, was "x"',
    ],
    'a family that is none': [
      new ClientGapsParser(),
      [gaps[0] ?? '', 'c7,0,5,P,1'],
      "line 2: `family` must be 'G' (Gamma) or 'W' (Weibull), was \"P\"",
    ],
    'a quantile too few': [
      new ClientTokensParser(),
      [own[0] ?? '', 'c7,0,9,input,1,2,3,output,1'],
      'line 2: `input` must be a number of at least 0, was "output"',
    ],
    'lengths without answers': [
      new ClientTokensParser(),
      [own[0] ?? '', `c7,0,9,input,${quantiles(5)}`],
      'line 2: `field` must be \'output\' among the fields of the row, was "input"',
    ],
  } as const;
  for (const [name, [parser, lines, want]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => expect(parsed<unknown>(parser, lines)).toBe(want));
  }
});
