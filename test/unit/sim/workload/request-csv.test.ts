import { describe as describeProblem } from '../../../../src/core/model/result.ts';
import { describe, expect, it } from 'vitest';
import { azureHeaders, burstGptHeaders, RequestCsvParser } from '../../../../src/sim/workload/request-csv.ts';
import type { Workload } from '../../../../src/sim/workload/workload.ts';

function parse(lines: readonly string[], headers = azureHeaders): Workload | string {
  const parser = new RequestCsvParser('trace', headers);
  for (const [i, line] of lines.entries()) {
    const taken = parser.push(line);
    if (!taken.ok) return `line ${i + 1}: ${describeProblem(taken.problem)}`;
  }
  const finished = parser.finish();
  return finished.ok ? finished.value : describeProblem(finished.problem);
}

describe('RequestCsvParser', () => {
  it('reads the original columns, from the first request on, in any order of columns', () => {
    expect(
      parse([
        '\uFEFFContextTokens,TIMESTAMP,GeneratedTokens',
        '374,2023-12-31 23:59:59.5000000,44',
        '396,2024-01-01 00:00:01.2500000,109',
        '',
      ]),
    ).toMatchObject({
      durationSeconds: 1.75,
      arrivalMs: Float64Array.of(0, 1750),
      promptTokens: Int32Array.of(374, 396),
      outputTokens: Int32Array.of(44, 109),
      failedRows: 0,
    });
  });

  it('knows leap days', () => {
    const duration = (from: string, to: string): number => {
      const read = parse(['TIMESTAMP,ContextTokens,GeneratedTokens', `${from} 00:00:00,1,1`, `${to} 00:00:00,1,1`]);
      return typeof read === 'string' ? -1 : read.durationSeconds / 86_400;
    };
    expect(duration('2024-02-28', '2024-03-01')).toBe(2);
    expect(duration('2023-02-28', '2023-03-01')).toBe(1);
    expect(duration('2023-11-16', '2024-11-16')).toBe(366);
  });

  it('reads seconds, sorts what is out of order, and counts rows that generated nothing apart', () => {
    expect(parse(['t_s,input_tokens,output_tokens', '4.5,1,2', '1.5,3,4', '2.0,5,0'])).toMatchObject({
      arrivalMs: Float64Array.of(0, 3000),
      promptTokens: Int32Array.of(3, 1),
      failedRows: 1,
    });
  });

  it('reads BurstGPT: answers of no tokens are failures, whatever else the row says', () => {
    const rows = [
      'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
      '5,ChatGPT,472,18,490,Conversation log',
      '45,ChatGPT,1087,0,1087,Conversation log',
      '118.5,GPT-4,417,276,693,API log',
      '120,GPT-4,0,0,0,API log',
    ];
    expect(parse(rows, burstGptHeaders)).toMatchObject({
      durationSeconds: 113.5,
      arrivalMs: Float64Array.of(0, 113_500),
      promptTokens: Int32Array.of(472, 417),
      outputTokens: Int32Array.of(18, 276),
      failedRows: 2,
      fileRows: 4,
    });
    expect(parse(rows)).toContain("line 1: `header` must be 'TIMESTAMP,");
  });

  const header = 't_s,input_tokens,output_tokens';
  const bad = {
    'an unknown header': [
      ['time,in,out'],
      "line 1: `header` must be 'TIMESTAMP,ContextTokens,GeneratedTokens' or 't_s,input_tokens,output_tokens', was \"time,in,out\"",
    ],
    'a missing cell': [[header, '1.0,5'], 'line 2: `columns` must be 3 cells as in the header, was 2'],
    'a word for a number': [
      [header, '1.0,5,6', '2.0,many,7'],
      'line 3: `input_tokens` must be a whole number from 1 to 10000000, was "many"',
    ],
    'a negative count': [
      [header, '1.0,-5,6'],
      'line 2: `input_tokens` must be a whole number from 1 to 10000000, was "-5"',
    ],
    'a fraction of a token': [
      [header, '1.0,5,6.5'],
      'line 2: `output_tokens` must be a whole number from 0 to 10000000, was "6.5"',
    ],
    'NaN for a time': [[header, 'NaN,5,6'], 'line 2: `t_s` must be seconds since the start, at least 0, was "NaN"'],
    'a month that does not exist': [
      ['TIMESTAMP,ContextTokens,GeneratedTokens', '2023-13-16 18:15:46.68,5,6'],
      'line 2: `TIMESTAMP` must be a time as \'2023-11-16 18:15:46.6805900\', was "2023-13-16 18:15:46.68"',
    ],
    'an empty file': [
      [],
      "`header` must be 'TIMESTAMP,ContextTokens,GeneratedTokens' or 't_s,input_tokens,output_tokens', was \"an empty file\"",
    ],
    'no request': [[header, '1.0,5,0'], '`rows` must be at least one request that generated tokens, was 0'],
  } as const;
  for (const [name, [lines, want]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => expect(parse(lines)).toBe(want));
  }
});
