import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PrometheusClient } from '../../../src/adapters/prometheus/client.ts';
import { isForewarmError } from '../../../src/errors.ts';

const endpoint = 'http://prometheus.example:9090';
const never = new AbortController().signal;
const vector = (...result: readonly unknown[]): object => ({
  status: 'success',
  data: { resultType: 'vector', result },
});
const up = (value: string): object => ({ metric: { __name__: 'up', pod: 'chat-1' }, value: [1_795_646_200.5, value] });

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** The message of a catalogue error; anything else is another failure. */
async function failure(query: Promise<unknown>): Promise<string> {
  return query.then(
    () => 'the query did not fail',
    (err: unknown) => (isForewarmError(err, 'QUERY_FAILED') ? err.message : `not of the catalogue: ${String(err)}`),
  );
}
const ask = (signal: AbortSignal = never): ReturnType<PrometheusClient['query']> =>
  new PrometheusClient({ endpoint }).query('up', signal);

test('a query goes out as a form without the time of this machine', async () => {
  let sent = '';
  nock(endpoint)
    .post('/api/v1/query', (body: Record<string, string>) => {
      sent = JSON.stringify(body);
      return true;
    })
    .reply(200, vector(up('3')));
  const answer = await ask();
  expect(sent).toBe('{"query":"up"}');
  expect(answer).toStrictEqual({
    series: [{ name: 'up', labels: new Map([['pod', 'chat-1']]), value: 3 }],
    warnings: [],
    skipped: 0,
  });
});

test('a path before the API is kept', async () => {
  nock(endpoint).post('/prefix/api/v1/query').reply(200, vector());
  const answer = await new PrometheusClient({ endpoint: `${endpoint}/prefix/` }).query('up', never);
  expect(answer.series).toStrictEqual([]);
});

const values = { '+Inf': NaN, '-Inf': NaN, NaN, '1e+03': 1000 } as const;
for (const [text, want] of Object.entries(values)) {
  test(`the value ${text} is ${want}`, async () => {
    nock(endpoint)
      .post('/api/v1/query')
      .reply(200, vector(up(text)));
    expect((await ask()).series[0]?.value).toBe(want);
  });
}

test('a native histogram is counted and costs nobody else', async () => {
  const histogram = { metric: { pod: 'chat-2' }, histogram: [1_795_646_200, { count: '5', sum: '1', buckets: [] }] };
  nock(endpoint)
    .post('/api/v1/query')
    .reply(200, vector(histogram, up('1')));
  const { series, skipped } = await ask();
  expect(series).toHaveLength(1);
  expect(skipped).toBe(1);
});

test('warnings of a partial answer arrive', async () => {
  nock(endpoint)
    .post('/api/v1/query')
    .reply(200, { ...vector(up('1')), warnings: ['store 10.0.0.9 is down'] });
  expect((await ask()).warnings).toStrictEqual(['store 10.0.0.9 is down']);
});

const refused = {
  "the server's own text of a 400": {
    status: 400,
    body: { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:3: parse error' },
    want: 'HTTP 400: invalid parameter "query": 1:3: parse error',
  },
  'a proxy that answers HTML with an error': {
    status: 502,
    body: '<html>Bad Gateway</html>',
    want: 'HTTP 502: <html>Bad Gateway</html>',
  },
  'a login page with HTTP 200': {
    status: 200,
    body: '<html>Log in</html>',
    want: 'HTTP 200 with <html>Log in</html>, which is no answer',
  },
  'a success without data': { status: 200, body: { status: 'success' }, want: 'which is no answer of Prometheus' },
  'a scalar': {
    status: 200,
    body: { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } },
    want: 'a vector was asked for',
  },
} as const;
describe('a query that fails says why', () => {
  for (const [name, { status, body, want }] of Object.entries(refused)) {
    test(`as ${name}`, async () => {
      nock(endpoint).post('/api/v1/query').reply(status, body);
      expect(await failure(ask())).toContain(want);
    });
  }
  test('a server that is not there', async () => {
    nock(endpoint)
      .post('/api/v1/query')
      .replyWithError(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    expect(await failure(ask())).toContain('connect ECONNREFUSED');
  });
  test('an answer without bounds', async () => {
    nock(endpoint)
      .post('/api/v1/query')
      .reply(200, 'x'.repeat(9 * 1024 * 1024));
    expect(await failure(ask())).toContain('maxContentLength size of 8388608 exceeded');
  });
});

test('a redirect to another host is not followed', async () => {
  nock(endpoint).post('/api/v1/query').reply(307, '', { location: 'http://other.example/api/v1/query' });
  const other = nock('http://other.example').post('/api/v1/query').reply(200, vector());
  expect(await failure(ask())).toContain('HTTP 307 to http://other.example/api/v1/query, which is not followed');
  expect(other.isDone()).toBe(false);
});

test('a proxy in the environment is not used', async () => {
  process.env['HTTP_PROXY'] = 'http://proxy.example:3128';
  try {
    nock(endpoint)
      .post('/api/v1/query')
      .reply(200, vector(up('1')));
    expect((await ask()).series).toHaveLength(1);
  } finally {
    delete process.env['HTTP_PROXY'];
  }
});

test('an answer that drips past the deadline is given up with the reason of the signal', async () => {
  nock.enableNetConnect('127.0.0.1');
  const server = http.createServer((_, response) => {
    const drip = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(drip));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    const place = server.address();
    const port = typeof place === 'object' ? place?.port : 0;
    const client = new PrometheusClient({ endpoint: `http://127.0.0.1:${port}` });
    await expect(client.query('up', AbortSignal.timeout(50))).rejects.toThrow(
      'The operation was aborted due to timeout',
    );
    client.close();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a bearer token is read again when its file changed, and a missing file is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-'));
  const bearerTokenFile = join(folder, 'token');
  try {
    const client = new PrometheusClient({ endpoint, bearerTokenFile });
    for (const token of ['first', 'second']) {
      writeFileSync(bearerTokenFile, `${token}\n`);
      nock(endpoint, { reqheaders: { authorization: `Bearer ${token}` } })
        .post('/api/v1/query')
        .reply(200, vector());
      await client.refresh();
      await client.query('up', never);
    }
    rmSync(bearerTokenFile);
    await expect(client.refresh()).rejects.toThrow(`reading ${bearerTokenFile}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
