import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describe as told } from '../../../../src/core/model/result.ts';
import type { MeasuredRun } from '../../../../src/sim/calibration/measured-run.ts';
import { type Measurements, MeasurementsParser } from '../../../../src/sim/calibration/measurements.ts';
import { metricsHistory } from '../../../support/metrics-history.ts';
import { profileWith } from '../../../support/profiles.ts';

function parse(text: string, arrivals: 'constant' | 'poisson' = 'constant'): Measurements | string {
  const parser = new MeasurementsParser('file', arrivals);
  for (const line of text.split('\n')) parser.push(line);
  const read = parser.finish();
  return read.ok ? read.value : told(read.problem);
}
function runsOf(text: string, arrivals: 'constant' | 'poisson' = 'constant'): readonly MeasuredRun[] {
  const read = parse(text, arrivals);
  if (typeof read === 'string' || read.kind !== 'Runs') throw new Error(JSON.stringify(read));
  return read.runs;
}

const spread = (mean: number, min: number, max: number): object => ({ mean, min, median: mean, max });
const stage = {
  load_summary: { count: 3, send_duration: 10, requested_rate: 0.3, achieved_rate: 0.3 },
  successes: {
    count: 3,
    latency: {
      request_latency: spread(1.3, 1, 2),
      time_to_first_token: spread(0.1, 0.05, 0.2),
      inter_token_latency: spread(0.012, 0, 0.1),
    },
    prompt_tokens: spread(128, 64, 192),
    output_len: spread(41, 16, 64),
  },
  failures: { count: 0 },
};
const line = { arrival_s: 5, prompt_tokens: 100, output_tokens: 11, ttft_ms: 50, e2e_ms: 250 };
const csv = [
  'isl_nominal,osl_nominal,strategy,rate,window_s,ok_requests,ttft_ms_p50,itl_ms_mean,e2e_s_mean',
  '64,32,synchronous,,10,7,20,6,0.2',
  '64,32,throughput,,10,70,2000,60,3',
  '64,32,constant@1.00,1,10,10,21,6.1,0.21',
  '64,32,constant@2.00,2,10,20,22,6.2,0.22',
].join('\n');

describe('a stage of inference-perf', () => {
  test('gives times per token from whole requests, not from its chunks', () => {
    const [run] = runsOf(JSON.stringify(stage));
    expect(run?.measured).toStrictEqual({ e2eMean: 1300, ttftMean: 100, ttftP50: 100, itlMean: 30 });
  });
  test('is spaced evenly, or at random over the same time', () => {
    const arrivals = (how: 'constant' | 'poisson'): readonly number[] =>
      runsOf(JSON.stringify(stage), how)[0]?.loads[0]?.requests.map(({ arrivalMs }) => arrivalMs) ?? [];
    expect(arrivals('constant')).toStrictEqual([0, 5000, 10_000]);
    expect(arrivals('poisson')).toHaveLength(3);
    expect(arrivals('poisson')).not.toStrictEqual(arrivals('constant'));
  });
  test('of a concurrency is a closed loop', () => {
    const [run] = runsOf(JSON.stringify({ ...stage, load_summary: { count: 3, send_duration: 10, concurrency: 2 } }));
    expect(run?.loads[0]).toMatchObject({ kind: 'Closed', users: 2 });
  });
});

test('requests as lines belong to their runs, and their times begin with the run', () => {
  const lines = [
    { ...line, run: 'a' },
    { ...line, run: 'b' },
    { ...line, run: 'a', arrival_s: 7, e2e_ms: 450 },
  ];
  const runs = runsOf(lines.map((one) => JSON.stringify(one)).join('\n'));
  expect(runs.map(({ name }) => name)).toStrictEqual(['a', 'b']);
  expect(runs[0]?.loads[0]?.requests.map(({ arrivalMs }) => arrivalMs)).toStrictEqual([0, 2000]);
  expect(runs[0]?.measured).toStrictEqual({ ttftMean: 50, ttftP50: 50, e2eMean: 350, itlMean: 30, tpotMean: 30 });
});

test('one request as one line is read as a request', () => expect(runsOf(JSON.stringify(line))).toHaveLength(1));

test('a table of sweeps leaves out the highest rate of a shape, and says so', () => {
  const read = parse(csv);
  expect(read).toMatchObject({
    kind: 'Runs',
    notes: ['file: the highest rate of each shape (1 rows) is at capacity and not used'],
  });
  expect(runsOf(csv).map(({ name }) => name)).toStrictEqual(['64/32 synchronous', '64/32 constant@1.00']);
});

test('an answer of query_range is a history', () => {
  expect(parse(JSON.stringify(metricsHistory(profileWith(), { rates: [1, 2] })))).toMatchObject({ kind: 'History' });
});

const refused: Readonly<Record<string, readonly [text: string, said: string]>> = {
  'an empty file': ['\n', '`(file)` must be measurements of an engine, was "nothing"'],
  'a document of another kind': [
    '{"a":1}',
    '`(file)` must be a report of inference-perf, a result of vllm bench serve or an answer of query_range',
  ],
  'a stage with failures': [
    JSON.stringify({ ...stage, failures: { count: 2 } }),
    '`failures.count` must be at most 1 % of the requests: a run that failed measures no engine, was 2',
  ],
  'a report over all stages': [
    JSON.stringify({ ...stage, load_summary: { count: 3, send_duration: 10 } }),
    '`load_summary.achieved_rate` must be above 0: a report of one stage, was "absent"',
  ],
  'a line without a field': [
    `${JSON.stringify(line)}\n{"arrival_s":1}`,
    '`line 2: prompt_tokens` must be a number of at least 0, was absent',
  ],
  'a line that is cut off': [`${JSON.stringify(line)}\n{"arrival_s":1`, '`line 2: (line)` must be one JSON object'],
  'a table without a column': ['a,b\n1,2', '`line 1` must be a header with `isl_nominal`, was "a,b"'],
  'a row that is no number': [csv.replace('6.1', 'x'), '`line 4: itl_ms_mean` must be a number above 0, was "x"'],
  'an instant vector': [
    '{"data":{"resultType":"vector","result":[]}}',
    '`data.resultType` must be \'matrix\': the answer of query_range, was "vector"',
  ],
  'a history of other metrics': [
    '{"data":{"resultType":"matrix","result":[]}}',
    '`data.result` must be series of vllm:num_requests_running of at least one engine',
  ],
  'a failed request of inference-perf': [
    '[{"error":{"error_type":"x"}}]',
    '`[0].error` must be null in a measured run',
  ],
};
describe('refuses', () => {
  for (const [name, [text, said]] of Object.entries(refused)) {
    test(`${name}`, () => expect(parse(text)).toContain(said));
  }
});

const sample = join(import.meta.dirname, '../../../../../shared/data/perf/inference-perf-sample');
test.skipIf(!existsSync(sample))('reads what inference-perf 0.7.0 wrote', () => {
  const [run] = runsOf(readFileSync(join(sample, 'constant/stage_1_lifecycle_metrics.json'), 'utf8'));
  expect(run?.loads[0]?.requests).toHaveLength(60);
  expect(run?.measured.itlMean).toBeCloseTo((1323.99 - 100.71) / 38.283, 1);
  const [one] = runsOf(readFileSync(join(sample, 'constant/per_request_lifecycle_metrics.first.json'), 'utf8'));
  expect(one?.loads[0]?.requests[0]).toMatchObject({ promptTokens: 139, outputTokens: 33 });
  expect(one?.measured.ttftMean).toBeCloseTo(62.1, 1);
});

describe('a result of vllm bench serve', () => {
  const means = {
    backend: 'vllm',
    num_prompts: 20,
    request_rate: 2,
    burstiness: 1,
    max_concurrency: null,
    duration: 11,
    completed: 20,
    failed: 0,
    total_input_tokens: 2000,
    total_output_tokens: 220,
    mean_ttft_ms: 50,
    median_ttft_ms: 45,
    mean_tpot_ms: 20,
  };
  const detailed = {
    ...means,
    completed: 2,
    input_lens: [100, 200],
    output_lens: [3, 2],
    ttfts: [0.1, 0.2],
    itls: [[0.05, 0.07], [0.1]],
    start_times: [11.5, 10],
    errors: ['', ''],
  };

  test('with details has the times of each request', () => {
    const [run] = runsOf(JSON.stringify(detailed));
    expect(run?.loads).toMatchObject([
      {
        kind: 'Open',
        requests: [
          { arrivalMs: 0, promptTokens: 200 },
          { arrivalMs: 1500, outputTokens: 3 },
        ],
      },
    ]);
    expect(run?.timed?.map(({ ttft, e2e }) => [ttft, Math.round(e2e)])).toStrictEqual([
      [200, 300],
      [100, 220],
    ]);
    const [whole] = runsOf(JSON.stringify({ ...detailed, latencies: [0.25, 0.35] }));
    expect(whole?.timed?.map(({ e2e }) => e2e)).toStrictEqual([350, 250]);
  });

  test('leaves out what failed, and is refused when that is much', () => {
    const errors = { ...detailed, errors: ['', 'HTTP 503'] };
    expect(runsOf(JSON.stringify(errors))[0]?.timed).toHaveLength(1);
    expect(parse(JSON.stringify({ ...detailed, failed: 1 }))).toContain('`failed` must be at most 1 %');
  });

  test('without details has means, of requests that came at its rate, from its users, or at once', () => {
    const [open] = runsOf(JSON.stringify(means));
    expect(open?.measured).toStrictEqual({ ttftMean: 50, ttftP50: 45, e2eMean: 250, itlMean: 20 });
    const requests = open?.loads[0]?.requests ?? [];
    expect(requests).toHaveLength(20);
    expect(requests.at(-1)).toStrictEqual({ arrivalMs: 10_000, promptTokens: 100, outputTokens: 11 });
    const [closed] = runsOf(JSON.stringify({ ...means, request_rate: 'inf', max_concurrency: 4 }));
    expect(closed?.loads[0]).toMatchObject({ kind: 'Closed', users: 4 });
    const [burst] = runsOf(JSON.stringify({ ...means, request_rate: 'inf' }));
    expect(burst?.loads[0]?.requests.every(({ arrivalMs }) => arrivalMs === 0)).toBe(true);
    const [told] = runsOf(JSON.stringify({ ...means, mean_e2el_ms: 270 }));
    expect(told?.measured).toMatchObject({ e2eMean: 270, itlMean: 22 });
  });

  const bad = {
    'a column that is too short': [
      { ...detailed, ttfts: [0.1] },
      '`ttfts` must be as many as `input_lens` has (2), was',
    ],
    'a length that is no number': [
      { ...detailed, input_lens: ['a', 2] },
      '`input_lens.0` must be a number of at least 1',
    ],
    'a gap that is no number': [{ ...detailed, itls: [['x'], [0.1]] }, '`itls.0` must be seconds between tokens'],
    'no duration': [{ ...means, duration: undefined }, '`duration` must be a number of at least 0, was absent'],
    'nothing completed': [{ ...means, completed: 0 }, '`completed` must be a number of at least 1, was 0'],
  } as const;
  for (const [name, [document, says]] of Object.entries(bad)) {
    test(`is refused with ${name}`, () => expect(parse(JSON.stringify(document))).toContain(says));
  }
});
