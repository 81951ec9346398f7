import nock from 'nock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PrometheusHistory, type PrometheusHistoryOptions } from '../../../src/adapters/prometheus/history.ts';
import type { PastWanted } from '../../../src/core/model/history.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { PastReading, PastReplicas } from '../../../src/ports/history-reader.ts';

const endpoint = 'http://prometheus.example:9090';
const now = instant(1_795_646_207_000);
const replicas: PastReplicas = { namespace: 'team-a', podPatterns: ['chat-[0-9]+'], engine: 'Auto' };
const wanted: PastWanted = { stepSeconds: 60, offsetSeconds: 17, spanSeconds: 14 * 86_400 };
const hour: PastWanted = { ...wanted, spanSeconds: 3600 };

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

interface Range {
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}
/** What a query is about, as the real server would see it. */
const kinds = {
  finished: 'request_success_total',
  prompt: 'vllm:prompt_tokens_total',
  cached: 'prefix_cache_hits',
  output: 'generation_tokens_total',
  waiting: 'num_requests_waiting',
  running: 'num_requests_running',
} as const;
type Kind = keyof typeof kinds;
const usual: Readonly<Record<Kind, string>> = {
  finished: '2',
  prompt: '2000',
  cached: '500',
  output: '400',
  waiting: '0',
  running: '0',
};
interface Server {
  readonly scrapes?: string;
  /** `undefined`: no point. */
  readonly value?: (kind: Kind, at: number) => string | undefined;
  readonly answer?: (asked: Range) => readonly [number, object] | undefined;
  readonly warnings?: readonly string[];
}

function serve({ scrapes = '120', value = (kind) => usual[kind], answer, warnings }: Server = {}): readonly Range[] {
  const asked: Range[] = [];
  nock(endpoint)
    .persist()
    .post('/api/v1/query')
    .reply(() => [
      200,
      { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [1, scrapes] }] } },
    ])
    .post('/api/v1/query_range')
    .reply(async (request: Request) => {
      const form = new URLSearchParams(await request.text());
      const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(form.get(name)));
      const range = { query: form.get('query') ?? '', start: start ?? 0, end: end ?? 0, step: step ?? 0 };
      asked.push(range);
      const other = answer?.(range);
      if (other !== undefined) return [...other];
      const values = pointsIn(range, value);
      const result = values.length === 0 ? [] : [{ metric: {}, values }];
      return [200, { status: 'success', data: { resultType: 'matrix', result }, warnings }];
    });
  return asked;
}
function pointsIn({ query, start, end, step }: Range, value: NonNullable<Server['value']>): readonly unknown[] {
  const kind = (Object.keys(kinds) as Kind[]).find((one) => query.includes(kinds[one])) ?? 'finished';
  const times = Array.from({ length: Math.round((end - start) / step) + 1 }, (_, i) => start + i * step);
  return times.flatMap((at) => {
    const is = value(kind, at);
    return is === undefined ? [] : [[at, is]];
  });
}
async function read(
  about: PastWanted,
  options: Partial<PrometheusHistoryOptions> = {},
  signal = new AbortController().signal,
): Promise<PastReading> {
  const history = new PrometheusHistory({ endpoint, ...options });
  try {
    return await history.readPast(replicas, about, now, signal);
  } finally {
    history.close();
  }
}

test('two weeks come in pieces that Prometheus does not refuse, each minute of the pool once and oldest first', async () => {
  const asked = serve();
  const { past, problem } = await read(wanted);
  expect(problem).toBeUndefined();
  expect(asked).toHaveLength(6 * 14);
  for (const { start, end, step } of asked) expect((end - start) / step + 1).toBeLessThan(11_000);
  expect(past.bins).toHaveLength(14 * 1440);
  const ends = past.bins.map(({ at }) => at);
  expect(ends).toStrictEqual(ends.map((_, i) => (ends[0] ?? 0) + 60_000 * i));
  expect(ends.at(-1)).toBe(1_795_646_177_000);
  expect(past.bins[0]).toStrictEqual({
    at: ends[0],
    requestsPerSecond: 2,
    promptTokensPerSecond: 1500,
    outputTokensPerSecond: 400,
    cachedTokensPerSecond: 500,
  });
});

test('rates are taken of each series and then summed, over one scrape more than a step', async () => {
  const asked = serve({ scrapes: '240' });
  await read(hour);
  const query = asked.find((one) => one.query.includes(kinds.output))?.query ?? '';
  const series = '{__name__="vllm:generation_tokens_total",namespace="team-a",pod=~"chat-[0-9]+"}';
  expect(query).toMatch(/^sum\(sum by \(namespace, pod\) \(max without \(job, instance, /);
  expect(query).toContain(`(rate(${series}[75s]))`);
  const finished = asked.find((one) => one.query.includes(kinds.finished))?.query ?? '';
  expect(finished).toContain('status!~"4xx"');
  expect(finished).toContain('handler=~".*(?:/completions|');
});

for (const [scrapes, seconds] of [
  ['60', 120],
  ['5', 120],
  ['30', 240],
] as const) {
  test(`with ${scrapes} scrapes in an hour a rate is taken over ${seconds} seconds`, async () => {
    const asked = serve({ scrapes });
    await read(hour);
    expect(asked[0]?.query).toContain(`[${seconds}s]`);
  });
}

test('what came minus what left is demand: engines that fill up finish less than arrives', async () => {
  serve({ value: (kind) => ({ ...usual, waiting: '3', running: '-1' })[kind] });
  const { past } = await read(hour);
  expect(past.bins[0]).toMatchObject({ requestsPerSecond: 4, waitingPerSecond: 3 });
});

const notNumbers = { NaN: 'NaN', infinity: '+Inf', 'a negative rate': '-4', 'no point': undefined } as const;
for (const [name, wrong] of Object.entries(notNumbers)) {
  for (const which of ['finished', 'prompt', 'output'] as const) {
    test(`${name} of ${which} leaves a gap and no zero`, async () => {
      const gap = 1_795_644_017;
      serve({ value: (kind, at) => (kind === which && at === gap ? wrong : usual[kind]) });
      const { past } = await read(hour);
      expect(past.bins).toHaveLength(59);
      expect(past.bins.map(({ at }) => at)).not.toContain(1000 * gap);
      expect(past.bins.every((bin) => bin.requestsPerSecond === 2 && bin.outputTokensPerSecond === 400)).toBe(true);
    });
  }
}

test('an engine without a prefix cache has nothing to take off', async () => {
  serve({ value: (kind) => (kind === 'cached' ? undefined : usual[kind]) });
  const { past } = await read(hour);
  expect(past.bins[0]?.promptTokensPerSecond).toBe(2000);
});

test('a pool of which nothing is known has no past, and the search ends before a gap that is too long', async () => {
  const asked = serve({ value: () => undefined });
  expect(await read(wanted)).toStrictEqual({ past: { stepSeconds: 60, bins: [] } });
  expect(asked).toHaveLength(6 * 3);
});

test('a server that fails primes nothing and says why', async () => {
  nock(endpoint).post('/api/v1/query').reply(503, { status: 'error', error: 'compacting' });
  const { past, problem } = await read(wanted);
  expect(past.bins).toHaveLength(0);
  expect(problem).toBe(`querying ${endpoint}: HTTP 503: compacting`);
});

test('a piece that fails ends the reading: what is newer is kept', async () => {
  const old = 1_795_646_177 - 3 * 86_400;
  const refusal = { status: 'error', errorType: 'execution', error: 'query processing would load too many samples' };
  const asked = serve({ answer: ({ start }) => (start < old ? [422, refusal] : undefined) });
  const { past, problem } = await read(wanted);
  expect(past.bins).toHaveLength(3 * 1440);
  expect(problem).toContain('too many samples');
  expect(asked.length).toBeLessThanOrEqual(6 * 4);
});

test('an answer that is not whole is none', async () => {
  serve({ warnings: ['store gateway unreachable'] });
  const { past, problem } = await read(hour);
  expect(past.bins).toHaveLength(0);
  expect(problem).toBe('the answer is not whole: store gateway unreachable');
});

test('an answer of another shape is an error in words', async () => {
  serve({ answer: () => [200, { status: 'success', data: { resultType: 'scalar', result: [1, '2'] } }] });
  expect((await read(hour)).problem).toContain('a matrix was asked for, got');
});

test('a server that does not answer is given up at the deadline', async () => {
  nock(endpoint).persist().post('/api/v1/query').delay(60_000).reply(200, {});
  const { past, problem } = await read(wanted, { deadlineMilliseconds: 50 });
  expect(past.bins).toHaveLength(0);
  expect(problem).toBe('no answer within 50 ms');
});

test('only the signal of the caller is thrown', async () => {
  nock(endpoint).persist().post('/api/v1/query').delay(60_000).reply(200, {});
  const stop = new AbortController();
  const reading = read(wanted, {}, stop.signal);
  stop.abort(new Error('SIGTERM'));
  await expect(reading).rejects.toThrow('SIGTERM');
});

test('an engine that is not known is named', async () => {
  serve();
  const history = new PrometheusHistory({ endpoint });
  const { problem } = await history.readPast({ ...replicas, engine: 'TGI' }, hour, now, new AbortController().signal);
  expect(problem).toBe('`engine` must be Auto or one of vLLM, was "TGI"');
});
