import { describe, expect, test } from 'vitest';
import { parseExposition } from '../../../src/adapters/engines/exposition.ts';
import { readPage } from '../../../src/adapters/engines/scraper.ts';
import { compileSelection } from '../../../src/adapters/engines/selection.ts';
import { familiesOf } from '../../../src/core/model/engines/table.ts';
import { vllm } from '../../../src/core/model/engines/vllm.ts';
import type { SignalName } from '../../../src/core/model/pool.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { ReplicaAddress, ReplicaReading } from '../../../src/ports/replica-reader.ts';
import { expositionsFolder, realPage } from '../../support/expositions.ts';
import { twoRanks, v0, v1Early } from './vllm-pages.ts';

const now = instant(1_795_646_200_000);
const selection = compileSelection(familiesOf(vllm));
const replica: ReplicaAddress = {
  id: 'uid-1',
  pool: 'team-a/chat',
  address: '10.0.0.1',
  port: 8000,
  path: '/metrics',
  scheme: 'http',
  engine: 'Auto',
  namespace: 'team-a',
  pod: 'chat-1',
};

function read(page: string | Uint8Array, engine = 'Auto'): ReplicaReading {
  const bytes = typeof page === 'string' ? Buffer.from(page) : page;
  return readPage(parseExposition(bytes, selection), { engines: [vllm], replica: { ...replica, engine }, now });
}
/** Values by signal, or the cause where there is none. */
function seen({ samples }: ReplicaReading, ...names: readonly SignalName[]): unknown {
  return Object.fromEntries(
    names.map((name) => {
      const sample = samples[name];
      return [name, sample.kind === 'missing' ? sample.cause : sample.value];
    }),
  );
}

const versions = {
  'V0 names, without ranks and null block': {
    page: v0,
    want: {
      running: 5,
      waiting: 2,
      kvUse: 0.25,
      kvCapacityTokens: 1600,
      finishedTotal: 9,
      promptTokensTotal: 1000,
      cachedPromptTokensTotal: 'NotExposed',
      outputTokensTotal: 400,
      preemptionsTotal: 3,
      ttftSecondsSum: 4.5,
      ttftCount: 9,
      itlSecondsSum: 8,
      itlCount: 391,
      queueSecondsSum: 'NotExposed',
      maxRunning: 'NotExposed',
    },
  },
  'V1 early names: prefix hits in blocks are not tokens, one block is never used': {
    page: v1Early,
    want: {
      kvUse: 0.25,
      kvCapacityTokens: 1584,
      finishedTotal: 9,
      promptTokensTotal: 1000,
      cachedPromptTokensTotal: 'NotExposed',
      itlCount: 'NotExposed',
    },
  },
  'two ranks: counts add, KV use averages, refused and foreign requests do not count': {
    page: twoRanks,
    want: {
      running: 12,
      waiting: 4,
      kvUse: 0.5,
      kvCapacityTokens: 3168,
      finishedTotal: 9,
      promptTokensTotal: 150,
      cachedPromptTokensTotal: 30,
      outputTokensTotal: 'NotExposed',
      itlSecondsSum: 4,
      itlCount: 100,
    },
  },
  'counters without _total': {
    page: 'vllm:num_requests_running 0\nvllm:prompt_tokens 8\nvllm:request_success{finished_reason="stop"} 2\n',
    want: { promptTokensTotal: 8, finishedTotal: 2, waiting: 'NotExposed' },
  },
  "Ray's re-export": {
    page: 'ray_vllm_num_requests_waiting{WorkerId="a"} 3\nray_vllm_num_requests_waiting{WorkerId="b"} 4\nray_vllm_kv_cache_usage_perc 0.5\n',
    want: { waiting: 7, kvUse: 0.5, running: 'NotExposed' },
  },
  'more prompts than HTTP requests: the engine counted more': {
    page: 'vllm:num_requests_running 0\nvllm:request_success_total 32\nhttp_requests_total{handler="/v1/completions",status="2xx"} 4\n',
    want: { finishedTotal: 32 },
  },
  'requests turned away with 5xx are demand': {
    page: 'vllm:num_requests_running 0\nvllm:request_success_total 3\nhttp_requests_total{handler="/v1/completions",status="2xx"} 3\nhttp_requests_total{handler="/v1/completions",status="5xx"} 4\n',
    want: { finishedTotal: 7 },
  },
  'a line that stands twice, once': {
    page: 'vllm:num_requests_running{engine="0",a="b"} 3\nvllm:num_requests_running{a="b",engine="0"} 3\n',
    want: { running: 3 },
  },
} as const;
for (const [name, { page, want }] of Object.entries(versions)) {
  test(`vLLM reads ${name}`, () => {
    const reading = read(page);
    expect(seen(reading, ...(Object.keys(want) as SignalName[]))).toStrictEqual(want);
    expect(reading.engine).toBe('vLLM');
    expect(reading.problem).toBeUndefined();
  });
}

const doubtful = {
  'NaN is no number': { page: 'vllm:num_requests_waiting NaN\n', want: { waiting: 'NotANumber' } },
  'one NaN among ranks spoils the sum': {
    page: 'vllm:num_requests_waiting{engine="0"} 3\nvllm:num_requests_waiting{engine="1"} NaN\n',
    want: { waiting: 'NotANumber' },
  },
  'an infinite queue is no number': { page: 'vllm:num_requests_waiting +Inf\n', want: { waiting: 'NotANumber' } },
  'a negative queue is no number': { page: 'vllm:num_requests_waiting -1\n', want: { waiting: 'NotANumber' } },
  'a KV share in percent is no share': {
    page: 'vllm:num_requests_waiting 1\nvllm:kv_cache_usage_perc 41\n',
    want: { waiting: 1, kvUse: 'NotANumber' },
  },
  'a broken line of one rank makes the signal missing, not smaller': {
    page: 'vllm:num_requests_running 1\nvllm:num_requests_waiting{engine="0"} 3\nvllm:num_requests_waiting{engine="1" 9\n',
    want: { running: 1, waiting: 'NotANumber' },
  },
} as const;
for (const [name, { page, want }] of Object.entries(doubtful)) {
  test(`missing is not zero: ${name}`, () => {
    expect(seen(read(page), ...(Object.keys(want) as SignalName[]))).toStrictEqual(want);
  });
}

test("a line's own time is the time of the sample, the oldest of its ranks", () => {
  const page =
    'vllm:num_requests_waiting{engine="0"} 1 1789200000000\nvllm:num_requests_waiting{engine="1"} 1 1789200009000\nvllm:num_requests_running 1\n';
  const { samples } = read(page);
  expect(samples.waiting).toStrictEqual({ kind: 'value', value: 2, at: 1789200000000 });
  expect(samples.running).toStrictEqual({ kind: 'value', value: 1, at: now });
});

test('a broken line is reported with its number while the rest stays', () => {
  const reading = read('vllm:num_requests_running 1\nvllm:num_requests_waiting{engine="1" 9\n');
  expect(reading.failure).toBe('BrokenLines');
  expect(reading.problem).toMatch(/^1 broken line, line 2: a label's value must be followed by/);
});

describe('a page of another kind', () => {
  test('HTML gives nothing, not zeros', () => {
    const reading = read('<html>\n<body>Log in</body>\n');
    expect(reading.failure).toBe('NotMetrics');
    expect(seen(reading, 'waiting', 'finishedTotal')).toStrictEqual({
      waiting: 'ScrapeFailed',
      finishedTotal: 'ScrapeFailed',
    });
  });
  test("a proxy's own metrics are no engine", () => {
    const reading = read('envoy_requests 7\n');
    expect(reading.failure).toBe('UnknownEngine');
    expect(reading.problem).toContain("is this the engine's port?");
    expect(seen(reading, 'waiting')).toStrictEqual({ waiting: 'NotExposed' });
  });
  test('an engine that is not in the table is named with those that are', () => {
    expect(read(v0, 'Oracle').problem).toBe('`engine` must be Auto or one of vLLM, was "Oracle"');
  });
  test('an engine may be named in any case', () => {
    expect(read(v0, 'VLLM').engine).toBe('vLLM');
  });
});

describe('an engine at rest', () => {
  const awake = (state: string, on: number): string =>
    `vllm:engine_sleep_state{engine="1",sleep_state="${state}"} ${on}\n`;
  const quiet =
    'vllm:num_requests_running 0\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0\nvllm:prompt_tokens_total 5\n';
  const calls = (handler: string, n: number): string =>
    `http_requests_total{handler="${handler}",method="POST",status="2xx"} ${n}\n`;

  test('asleep: the gauges are missing, the counters still count', () => {
    const reading = read(`${quiet}${awake('awake', 0)}${awake('weights_offloaded', 1)}`);
    expect(seen(reading, 'waiting', 'running', 'kvUse', 'promptTokensTotal')).toStrictEqual({
      waiting: 'Asleep',
      running: 'Asleep',
      kvUse: 'Asleep',
      promptTokensTotal: 5,
    });
    expect(reading.failure).toBe('Asleep');
  });
  test('paused more often than resumed and silent: the gauges are missing', () => {
    expect(seen(read(`${quiet}${calls('/pause', 2)}${calls('/resume', 1)}`), 'waiting')).toStrictEqual({
      waiting: 'Asleep',
    });
  });
  test('paused and resumed: a quiet engine is idle', () => {
    expect(seen(read(`${quiet}${calls('/pause', 2)}${calls('/resume', 2)}`), 'waiting')).toStrictEqual({ waiting: 0 });
  });
  test('an engine that runs requests is not paused, whatever the calls say', () => {
    const busy = quiet.replace('running 0', 'running 3');
    expect(seen(read(`${busy}${calls('/pause', 2)}`), 'running')).toStrictEqual({ running: 3 });
  });
});

const real = {
  'vllm-0.32-cpu/idle-after-start': { running: 0, waiting: 0, kvUse: 0, kvCapacityTokens: 736, finishedTotal: 0 },
  'vllm-0.32-cpu/light-load': { running: 2, waiting: 0, finishedTotal: 22 },
  'vllm-0.32-cpu/saturated': { running: 6, waiting: 17, kvUse: 1, finishedTotal: 142, preemptionsTotal: 49 },
  'vllm-0.32-cpu/after-preemptions': { running: 0, waiting: 0, finishedTotal: 185, preemptionsTotal: 69 },
  'vllm-0.32-cpu/after-aborts-and-prefix-hits': {
    running: 0,
    waiting: 0,
    finishedTotal: 220,
    cachedPromptTokensTotal: 1536,
  },
  'vllm-0.32-cpu/paused-with-queue': { running: 'Asleep', waiting: 'Asleep', kvUse: 'Asleep', finishedTotal: 217 },
  'vllm-0.32-cpu/asleep-with-queue': { running: 'Asleep', waiting: 'Asleep', kvUse: 'Asleep', finishedTotal: 220 },
  'vllm-0.32-cpu-rejecting/after-rejections': { running: 0, waiting: 0, finishedTotal: 16 },
  'vllm-0.32-cpu-lora/busy': { running: 8, waiting: 1, finishedTotal: 22 },
  'vllm-0.32-cpu-api2/busy': { running: 8, waiting: 8, finishedTotal: 72 },
  'vllm-0.32-cpu-dp2/busy': {
    running: 16,
    waiting: 8,
    finishedTotal: 48,
    promptTokensTotal: 6144,
    outputTokensTotal: 7875,
    ttftCount: 64,
  },
  'vllm-0.32-cpu-dp2/idle': { running: 0, waiting: 0, kvCapacityTokens: 262_080, finishedTotal: 0 },
} as const;
const absent = expositionsFolder() === undefined;
describe.skipIf(absent)(
  `pages of a real vLLM 0.32${absent ? ` (${Object.keys(real).length} cases: no folder shared/data/expositions)` : ''}`,
  () => {
    for (const [name, want] of Object.entries(real)) {
      test(`vLLM reads ${name}`, () => {
        const reading = read(realPage(`${name}.prom`));
        expect(seen(reading, ...(Object.keys(want) as SignalName[]))).toStrictEqual(want);
        expect(reading.failure ?? 'none').toBe(Object.values<unknown>(want).includes('Asleep') ? 'Asleep' : 'none');
      });
    }
  },
);
