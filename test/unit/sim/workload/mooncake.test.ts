import { describe, expect, it } from 'vitest';
import { MooncakeParser } from '../../../../src/sim/workload/mooncake.ts';
import { scaleRate, scaleTime, slice } from '../../../../src/sim/workload/scale.ts';
import { prefixOf, type Workload } from '../../../../src/sim/workload/workload.ts';
import { parsed, read } from '../../../support/lines.ts';

const row = (timestamp: number, input: number, output: number, ids?: readonly number[]): string =>
  JSON.stringify({ timestamp, input_length: input, output_length: output, hash_ids: ids });

const lines = [
  row(3000, 700, 20, [46, 7]),
  row(1000, 1200, 30, [46, 8, 9_007_199_254_740_000]),
  row(2000, 900, 0, [46, 8]),
  row(4000, 512, 5, [46]),
];
const trace = read(new MooncakeParser('trace'), lines);

/** By length of the prompt: what it begins with. */
function beginnings(workload: Workload): Record<number, number[]> {
  const of = [...workload.promptTokens].map((tokens, i) => [tokens, [...(prefixOf(workload, i) ?? [])]]);
  return Object.fromEntries(of);
}

describe('MooncakeParser', () => {
  it('reads times from the first answered request on, lengths and shared blocks, in order of arrival', () => {
    expect(trace).toMatchObject({
      durationSeconds: 3,
      arrivalMs: Float64Array.of(0, 2000, 3000),
      promptTokens: Int32Array.of(1200, 700, 512),
      outputTokens: Int32Array.of(30, 20, 5),
      failedRows: 1,
      fileRows: 4,
      prefixes: { blockTokens: 512, distinct: 4 },
    });
    const { 1200: longest, 700: middle, 512: shortest } = beginnings(trace);
    expect(longest?.slice(0, 1)).toStrictEqual(shortest);
    expect(middle?.[0]).toBe(longest?.[0]);
    expect(new Set([...(longest ?? []), ...(middle ?? [])]).size).toBe(4);
  });

  it('knows nothing of prefixes where the trace does not', () => {
    expect(read(new MooncakeParser('plain'), [row(0, 10, 1), row(5, 10, 1)]).prefixes).toBeUndefined();
  });

  const bad = {
    'what is not JSON': [
      '{"timestamp": 0',
      'line 1: `line` must be one JSON object with \'timestamp\', was "{\\"timestamp\\": 0"',
    ],
    'a list': ['[1]', 'line 1: `line` must be one JSON object with \'timestamp\', was "[1]"'],
    'a time in words': [
      '{"timestamp":"soon","input_length":1,"output_length":1}',
      'line 1: `timestamp` must be milliseconds since the start, at least 0, was "soon"',
    ],
    'an absent length': [
      '{"timestamp":1,"input_length":1}',
      'line 1: `output_length` must be a whole number from 0 to 10000000, was "absent"',
    ],
    'half a token': [row(0, 1.5, 1), 'line 1: `input_length` must be a whole number from 1 to 10000000, was 1.5'],
    'a block too few': [
      row(0, 1025, 1, [1, 2]),
      'line 1: `hash_ids` must be 3 numbers, one for each 512 tokens of 1025 (other blocks: --prefix-block-tokens), was 2',
    ],
    'the same block twice': [
      row(0, 1024, 1, [1, 1]),
      'line 1: `hash_ids` must be a list of whole numbers, none of them twice, was [1,1]',
    ],
    'no answer at all': [row(0, 10, 0, [1]), '`rows` must be at least one request that generated tokens, was 0'],
  } as const;
  for (const [name, [line, want]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => expect(parsed(new MooncakeParser('trace'), [line])).toBe(want));
  }
});

describe('shared blocks', () => {
  it('go with their requests through slicing and a change of time', () => {
    const part = slice(trace, 1, 3.5);
    expect(part.arrivalMs.length).toBe(2);
    expect(beginnings(part)).toStrictEqual({ 700: beginnings(trace)[700], 512: beginnings(trace)[512] });
    expect(beginnings(scaleTime(trace, 2))).toStrictEqual(beginnings(trace));
  });

  it('are each copy’s own when traffic is scaled', () => {
    const scaled = scaleRate(trace, 3, 1);
    expect(scaled.prefixes?.distinct).toBe(3 * 4);
    const ofShortest = [...scaled.promptTokens.entries()]
      .filter(([, tokens]) => tokens === 512)
      .map(([i]) => [...(prefixOf(scaled, i) ?? [])]);
    expect(new Set(ofShortest.flat()).size).toBe(3);
  });
});

describe('scaleTime', () => {
  it('stretches and shrinks: the same requests over other times', () => {
    const half = scaleTime(trace, 0.5);
    expect(half).toMatchObject({ durationSeconds: 1.5, arrivalMs: Float64Array.of(0, 1000, 1500) });
    expect(half.promptTokens).toBe(trace.promptTokens);
    expect(scaleTime(trace, 1)).toBe(trace);
    expect(() => scaleTime(trace, 0)).toThrow('a time scale must be above 0, was 0');
  });
});
