import { createServer } from 'node:http';
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { familyGroups } from '../../../src/adapters/prometheus/queries.ts';
import { PrometheusSource } from '../../../src/adapters/prometheus/source.ts';
import { vllm } from '../../../src/core/model/engines/vllm.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { ReplicaAddress, ReplicaReading } from '../../../src/ports/replica-reader.ts';

const endpoint = 'http://prometheus.example:9090';
const now = instant(1_795_646_200_000);
const never = new AbortController().signal;

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

function replica(pod: string, namespace = 'team-a'): ReplicaAddress {
  const place = { address: '10.0.0.1', port: 8000, path: '/metrics', scheme: 'http' } as const;
  return { id: `uid-${namespace}-${pod}`, pool: `${namespace}/chat`, ...place, engine: 'Auto', namespace, pod };
}
interface Series {
  readonly family: string;
  readonly pod?: string;
  readonly value: string;
  readonly labels?: Readonly<Record<string, string>>;
}
interface Server {
  readonly series: readonly Series[];
  /** Seconds since the scrape, by pod (and job). */
  readonly ages?: Readonly<Record<string, string>>;
  readonly fail?: (query: string) => boolean;
  readonly warnings?: readonly string[];
}
const queries: string[] = [];

/** Answers by the families and pods that a query names, as the real one would. */
function serve({ series, ages = { 'chat-1': '0.5' }, fail = () => false, warnings }: Server): void {
  queries.length = 0;
  nock(endpoint)
    .persist()
    .post('/api/v1/query')
    .reply(async (request: Request) => {
      const query = new URLSearchParams(await request.text()).get('query') ?? '';
      queries.push(query);
      if (fail(query))
        return [422, { status: 'error', errorType: 'execution', error: 'query timed out in the engine' }];
      const result = query.startsWith('time()') ? agesAsked(ages) : seriesAsked(series, query);
      return [200, { status: 'success', data: { resultType: 'vector', result }, warnings }];
    });
}
function agesAsked(ages: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(ages).map(([key, age]) => {
    const [pod = '', job = 'vllm'] = key.split(' ');
    return { metric: { namespace: 'team-a', pod, job, instance: `${pod}:8000` }, value: [1, age] };
  });
}
function seriesAsked(series: readonly Series[], query: string): readonly object[] {
  const asked = /__name__=~"([^"]*)"/.exec(query)?.[1]?.split('|') ?? [];
  return series
    .filter(({ family }) => asked.includes(family))
    .map(({ family, pod = 'chat-1', value, labels }) => ({
      metric: { __name__: family, namespace: 'team-a', pod, job: 'vllm', instance: `${pod}:8000`, ...labels },
      value: [1, value],
    }));
}
const running = { family: 'vllm:num_requests_running', value: '2' };
const waiting = { family: 'vllm:num_requests_waiting', value: '3' };

async function read(replicas: readonly ReplicaAddress[] = [replica('chat-1')]): Promise<readonly ReplicaReading[]> {
  const source = new PrometheusSource({ endpoint });
  const readings = await source.read(replicas, now, never);
  source.close();
  return replicas.map((one) => readings.get(one.id)).filter((reading) => reading !== undefined);
}

test("samples carry the time of their scrape by the server's clock", async () => {
  serve({ series: [running, waiting], ages: { 'chat-1': '0.5' } });
  const [reading] = await read();
  expect(reading?.samples.waiting).toStrictEqual({ kind: 'value', value: 3, at: now - 500 });
  expect(reading?.samples.kvUse).toStrictEqual({ kind: 'missing', cause: 'NoSeries' });
  expect(reading?.problem).toBeUndefined();
  expect(reading?.engine).toBe('vLLM');
});

test('ranks add, as on a page', async () => {
  const ranks = ['0', '1'].map((engine) => ({ ...running, labels: { engine } }));
  serve({ series: [...ranks, waiting] });
  expect((await read())[0]?.samples.running).toMatchObject({ value: 4 });
});

test('a pod that two jobs scrape counts once, with the fresher reading', async () => {
  const other = { ...running, value: '9', labels: { job: 'again' } };
  serve({ series: [running, other, waiting], ages: { 'chat-1 vllm': '12', 'chat-1 again': '1' } });
  expect((await read())[0]?.samples.running).toStrictEqual({ kind: 'value', value: 9, at: now - 1000 });
});

test('series of an earlier life of a pod, whose target is gone, are not read', async () => {
  serve({ series: [{ ...running, labels: { instance: '10.9.9.9:8000' } }, waiting] });
  expect((await read())[0]?.samples.running).toStrictEqual({ kind: 'missing', cause: 'NoSeries' });
});

test('a pod without series is missing and named, its neighbour is not', async () => {
  serve({ series: [running, waiting] });
  const [first, second] = await read([replica('chat-1'), replica('chat-2')]);
  expect(first?.samples.running.kind).toBe('value');
  expect(second?.samples.running).toStrictEqual({ kind: 'missing', cause: 'NoSeries' });
  expect(second?.failure).toBe('NoSeries');
  expect(second?.problem).toContain('Prometheus has no series of pod team-a/chat-2');
});

test('NaN and infinity are no numbers, each signal for itself', async () => {
  serve({ series: [running, { ...waiting, value: 'NaN' }, { family: 'vllm:kv_cache_usage_perc', value: '+Inf' }] });
  const [reading] = await read();
  expect(reading?.samples.running).toMatchObject({ value: 2 });
  expect(reading?.samples.waiting).toStrictEqual({ kind: 'missing', cause: 'NotANumber' });
  expect(reading?.samples.kvUse).toStrictEqual({ kind: 'missing', cause: 'NotANumber' });
});

test('a mean over nothing spoils only itself: a count of 0 stays a fresh 0', async () => {
  serve({
    series: [
      running,
      waiting,
      { family: 'vllm:request_success_total', value: '0' },
      { family: 'vllm:time_to_first_token_seconds_sum', value: 'NaN' },
    ],
  });
  const [reading] = await read();
  expect(reading?.samples.finishedTotal).toMatchObject({ value: 0 });
  expect(reading?.samples.ttftSecondsSum).toStrictEqual({ kind: 'missing', cause: 'NotANumber' });
});

test('one query that fails costs its signals, is named with the text of the server, and is never a zero', async () => {
  serve({ series: [running, waiting], fail: (query) => query.includes('request_success') });
  const [reading] = await read();
  expect(reading?.samples.waiting).toMatchObject({ value: 3 });
  expect(reading?.samples.finishedTotal).toStrictEqual({ kind: 'missing', cause: 'QueryFailed' });
  expect(reading?.failure).toBe('QueryFailed');
  expect(reading?.problem).toContain(
    'finishedTotal, paused: querying http://prometheus.example:9090: HTTP 422: query timed out in the engine',
  );
});

test('a dead server is asked once and everything is missing', async () => {
  serve({ series: [running], fail: () => true });
  const [reading] = await read();
  expect(queries).toHaveLength(1);
  expect(
    new Set(Object.values(reading?.samples ?? {}).map((sample) => sample.kind === 'missing' && sample.cause)),
  ).toStrictEqual(new Set(['QueryFailed']));
});

test('a token that cannot be read fails the read and names the file', async () => {
  serve({ series: [running] });
  const source = new PrometheusSource({ endpoint, bearerTokenFile: '/no/such/token' });
  const readings = await source.read([replica('chat-1')], now, never);
  expect(readings.get('uid-team-a-chat-1')?.problem).toContain('reading /no/such/token');
  expect(queries).toStrictEqual([]);
});

test('after a warning an absent series is a failed query, not an absence', async () => {
  serve({ series: [running], warnings: ['store 10.0.0.9 is down'] });
  const [reading] = await read();
  expect(reading?.samples.running).toMatchObject({ value: 2 });
  expect(reading?.samples.waiting).toStrictEqual({ kind: 'missing', cause: 'QueryFailed' });
  expect(reading?.problem).toContain('warning: store 10.0.0.9 is down');
});

test('a sleeping engine is missing, as on a page', async () => {
  serve({
    series: [
      running,
      waiting,
      { family: 'vllm:engine_sleep_state', value: '1', labels: { sleep_state: 'discard_all' } },
    ],
  });
  expect((await read())[0]?.samples.waiting).toStrictEqual({ kind: 'missing', cause: 'Asleep' });
});

describe('queries', () => {
  test('one a signal, pods and namespace by name, special characters taken literally', async () => {
    serve({ series: [running] });
    await read([replica('chat-1'), replica('chat.v2-1')]);
    expect(queries).toContain(
      '{__name__=~"ray_vllm_num_requests_running|vllm:num_requests_running",namespace="team-a",pod=~"chat-1|chat\\\\.v2-1"}',
    );
    expect(queries).toHaveLength(1 + familyGroups([vllm]).length);
  });
  test('namespaces are asked apart, so equal pod names are not mixed', async () => {
    serve({ series: [running] });
    const [a, b] = await read([replica('chat-1', 'team-a'), replica('chat-1', 'team-b')]);
    expect(a?.samples.running.kind).toBe('value');
    expect(b?.samples.running.kind).toBe('missing');
  });
  test('every family that the engine table can use is in exactly one query', () => {
    const asked = familyGroups([vllm]).flatMap((group) => group.families);
    expect(new Set(asked).size).toBe(asked.length);
  });
});

test('the deadline ends a read with missing samples; the caller ends it with a rejection', async () => {
  nock.enableNetConnect('127.0.0.1');
  const server = createServer(() => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    const place = server.address();
    const silent = `http://127.0.0.1:${typeof place === 'object' ? place?.port : 0}`;
    const source = new PrometheusSource({ endpoint: silent, deadlineMilliseconds: 30 });
    const readings = await source.read([replica('chat-1')], now, never);
    expect(readings.get('uid-team-a-chat-1')?.problem).toContain('no answer within 30 ms');
    const controller = new AbortController();
    const reading = source.read([replica('chat-1')], now, controller.signal);
    controller.abort(new Error('shutting down'));
    await expect(reading).rejects.toThrow('shutting down');
    source.close();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
