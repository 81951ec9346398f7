import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PickerReader } from '../../../src/adapters/engines/picker-reader.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { ReplicaReading } from '../../../src/ports/replica-reader.ts';

const now = instant(1_795_646_200_000);
const never = new AbortController().signal;
const text = (page: string): RequestListener => {
  return (_, response) => response.setHeader('content-type', 'text/plain; version=0.0.4').end(page);
};
const flow = (name: string, pool: string, model: string): string =>
  `${name}_flow_control_queue_size{fairness_id="default",priority="0",inference_pool="${pool}",model_name="${model}",target_model_name="${model}"}`;

/** What the path asks for. */
const pages: Readonly<Record<string, RequestListener>> = {
  '/both': text(
    [
      '# HELP llm_d_epp_flow_control_queue_size waiting',
      '# TYPE llm_d_epp_flow_control_queue_size gauge',
      `${flow('llm_d_epp', 'chat', 'a')} 12`,
      `${flow('llm_d_epp', 'chat', 'b')} 3`,
      `${flow('llm_d_epp', 'code', 'c')} 100`,
      `${flow('inference_extension', 'chat', 'a')} 12`,
      'llm_d_epp_request_total{model_name="a",target_model_name="a",fairness_id="default",priority="0"} 40',
      'llm_d_epp_request_total{model_name="b",target_model_name="b",fairness_id="default",priority="0"} 2',
      'inference_objective_request_total{model_name="a",target_model_name="a",priority="0"} 40',
      'llm_d_epp_ready_endpoints{name="chat"} 3',
      '',
    ].join('\n'),
  ),
  '/old': text(`${flow('inference_extension', 'chat', 'a')} 7\ninference_objective_request_total{model_name="a"} 9\n`),
  '/quiet': text('llm_d_epp_flow_control_pool_saturation{inference_pool="chat",stage="effective"} 1\n'),
  '/without-flow-control': text(
    'llm_d_epp_ready_endpoints{name="chat"} 3\nllm_d_epp_request_total{model_name="a"} 5\n',
  ),
  '/not-a-number': text(`${flow('llm_d_epp', 'chat', 'a')} NaN\n`),
  '/login': (_, response) => response.setHeader('content-type', 'text/html').end('<html>Log in</html>'),
  '/closed': (_, response) => response.writeHead(401).end('Unauthorized'),
};

let server: Server;
const reader = new PickerReader();
beforeAll(async () => {
  server = createServer((request, response) => pages[request.url ?? '']?.(request, response));
  await new Promise<void>((resolve) => void server.listen({ host: '127.0.0.1', port: 0 }, resolve));
});
afterAll(async () => {
  await reader.close();
  server.close();
});

async function read(path: string, engine = 'chat'): Promise<ReplicaReading | undefined> {
  const { port } = server.address() as AddressInfo;
  const picker = { id: 'p', pool: 'team-a/chat', address: '127.0.0.1', port, path, scheme: 'http' as const, engine };
  return (await reader.read([{ ...picker, namespace: 'team-a', pod: 'epp-0' }], now, never)).get('p');
}
const value = (n: number): object => ({ kind: 'value', value: n, at: now });
const missing = (cause: string): object => ({ kind: 'missing', cause });

describe('an endpoint picker', () => {
  const cases: Readonly<Record<string, { path: string; pool?: string; queued: object; requests: object }>> = {
    'with names of both ages is read once, for its own pool': { path: '/both', queued: value(15), requests: value(42) },
    'whose pool is not told is read for all': { path: '/both', pool: '', queued: value(115), requests: value(42) },
    'in which nothing waits for the pool has an empty queue': {
      path: '/both',
      pool: 'other',
      queued: value(0),
      requests: value(42),
    },
    'of the older names is read by those': { path: '/old', queued: value(7), requests: value(9) },
    'without a flow has an empty queue': { path: '/quiet', queued: value(0), requests: missing('NotExposed') },
    'without flow control has none': {
      path: '/without-flow-control',
      queued: missing('NotExposed'),
      requests: value(5),
    },
    'that counts no number is not believed': {
      path: '/not-a-number',
      queued: missing('NotANumber'),
      requests: missing('NotExposed'),
    },
    'behind a login page is not read': {
      path: '/login',
      queued: missing('ScrapeFailed'),
      requests: missing('ScrapeFailed'),
    },
  };
  for (const [name, { path, pool, queued, requests }] of Object.entries(cases)) {
    test(`${name}`, async () => {
      const samples = (await read(path, pool))?.samples;
      expect([samples?.waiting, samples?.finishedTotal]).toStrictEqual([queued, requests]);
    });
  }

  test('that asks who is there says so', async () => {
    expect((await read('/closed'))?.problem).toMatch(/\/closed: HTTP 401$/);
  });
  test('without flow control says what to do', async () => {
    expect(await read('/without-flow-control')).toMatchObject({
      failure: 'NoSeries',
      problem: 'the endpoint picker shows no queue: is its flow control on?',
    });
  });
});
