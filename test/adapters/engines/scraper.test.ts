import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Scraper } from '../../../src/adapters/engines/scraper.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { ReplicaAddress, ReplicaReading } from '../../../src/ports/replica-reader.ts';
import { testAuthority } from '../../support/certificates.ts';
import { v1Early } from './vllm-pages.ts';

const now = instant(1_795_646_200_000);
const never = new AbortController().signal;

/** One server whose path says how it behaves. */
const behaviours: Readonly<Record<string, RequestListener>> = {
  '/metrics': (_, response) => response.setHeader('content-type', 'text/plain; version=1.0.0').end(v1Early),
  '/login': (_, response) => response.setHeader('content-type', 'text/html').end('<html>Log in</html>'),
  '/untyped-login': (_, response) => response.end('<html>\nLog in\n</html>\n'),
  '/json': (_, response) => response.setHeader('content-type', 'application/json').end('{}'),
  '/redirect': (_, response) => response.writeHead(302, { location: '/metrics' }).end(),
  '/broken': (_, response) => response.writeHead(503).end('no'),
  '/silent': () => {},
  '/dripping': (_, response) => response.write('vllm:num_requests_waiting 1\n'),
  '/endless': (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('a_metric{label="value"} 1\n'.repeat(2000)));
    };
    response.on('drain', more);
    more();
  },
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('vllm:num_requests_waiting 1\n');
    response.destroy();
  },
  '/token': (request, response) => {
    const isAllowed = request.headers.authorization === 'Bearer secret';
    response.writeHead(isAllowed ? 200 : 401).end('vllm:num_requests_waiting 1\n');
  },
};

let server: Server;
let connections = 0;
beforeAll(async () => {
  server = createServer((request, response) => behaviours[request.url ?? '']?.(request, response));
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => void server.listen({ host: '::', port: 0 }, resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open: Scraper[] = [];
function scraper(options: ConstructorParameters<typeof Scraper>[0] = {}): Scraper {
  const made = new Scraper(options);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function replica(path: string, given: Partial<ReplicaAddress> = {}): ReplicaAddress {
  const { port } = server.address() as AddressInfo;
  const place = { address: '127.0.0.1', port, path, scheme: 'http' } as const;
  return { id: path, pool: 'team-a/chat', ...place, engine: 'Auto', namespace: 'team-a', pod: 'chat-1', ...given };
}
async function readOne(address: ReplicaAddress, deadlineMilliseconds = 2000): Promise<ReplicaReading | undefined> {
  return (await scraper({ deadlineMilliseconds }).read([address], now, never)).get(address.id);
}

test('a replica is read with the time of the pass', async () => {
  const reading = await readOne(replica('/metrics'));
  expect(reading?.samples.waiting).toStrictEqual({ kind: 'value', value: 2, at: now });
  expect(reading?.problem).toBeUndefined();
});

test('an IPv6 address is read', async () => {
  expect((await readOne(replica('/metrics', { address: '::1' })))?.samples.running.kind).toBe('value');
});

test('a bearer token is sent where there is one', async () => {
  expect((await readOne(replica('/token', { token: 'secret' })))?.samples.waiting.kind).toBe('value');
  expect((await readOne(replica('/token')))?.failure).toBe('Status');
});

const failures = {
  'a login page with HTTP 200': { path: '/login', want: 'NotMetrics' },
  'a login page without a type': { path: '/untyped-login', want: 'NotMetrics' },
  JSON: { path: '/json', want: 'NotMetrics' },
  'a redirect': { path: '/redirect', want: 'Redirect' },
  'an error status': { path: '/broken', want: 'Status' },
  'a server that says nothing': { path: '/silent', want: 'Timeout', deadline: 60 },
  'a page that never ends in time': { path: '/dripping', want: 'Timeout', deadline: 60 },
  'a page without end': { path: '/endless', want: 'TooLarge' },
  'a page that was cut': { path: '/cut', want: 'Connection' },
} as const;
describe('what is not a whole metrics page is missing, with its cause', () => {
  for (const [name, given] of Object.entries(failures)) {
    test(`${name} is ${given.want}`, async () => {
      const reading = await readOne(replica(given.path), 'deadline' in given ? given.deadline : 5000);
      expect(reading?.failure).toBe(given.want);
      expect(reading?.problem).toMatch(
        given.path === '/untyped-login' ? /no metrics page/ : /^reading metrics from http:/,
      );
      expect(reading?.samples.waiting).toStrictEqual({ kind: 'missing', cause: 'ScrapeFailed' });
      expect(reading?.samples.finishedTotal).toStrictEqual({ kind: 'missing', cause: 'ScrapeFailed' });
    });
  }
  test('a port where nobody listens is Connection', async () => {
    expect((await readOne(replica('/metrics', { port: 1 })))?.failure).toBe('Connection');
  });
  test('a path that would change the host is no address', async () => {
    expect((await readOne(replica('@example.org/metrics')))?.problem).toContain('this is no address');
  });
  test('a plain port asked over TLS is Connection', async () => {
    expect((await readOne(replica('/metrics', { scheme: 'https' })))?.failure).toBe('Connection');
  });
});

test('a page over TLS is read when its CA is known, or when nobody is to verify it, and else not', async () => {
  const authority = await testAuthority('engines');
  const own = await authority.server('127.0.0.1');
  const tls = createTlsServer(own, (_, response) => response.end(v1Early));
  await new Promise<void>((resolve) => void tls.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-'));
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, authority.pem);
  try {
    const { port } = tls.address() as AddressInfo;
    const address = replica('/metrics', { scheme: 'https', port });
    const failureOf = async (options: ConstructorParameters<typeof Scraper>[0]): Promise<string | undefined> =>
      (await scraper(options).read([address], now, never)).get(address.id)?.failure;
    expect(await failureOf({ caFile })).toBeUndefined();
    expect(await failureOf({ isTlsUnverified: true })).toBeUndefined();
    expect(await failureOf({})).toBe('Connection');
  } finally {
    tls.closeAllConnections();
    tls.close();
    rmSync(folder, { recursive: true });
  }
});

test('one bad replica costs only itself, and connections are kept between passes', async () => {
  const one = scraper({ concurrency: 3 });
  const replicas = [...Array(20).keys()].map((n) => replica(n === 7 ? '/broken' : '/metrics', { id: `uid-${n}` }));
  const before = connections;
  for (let pass = 0; pass < 3; pass++) {
    const readings = await one.read(replicas, now, never);
    expect(readings.size).toBe(20);
    expect([...readings].filter(([, reading]) => reading.problem !== undefined).map(([id]) => id)).toStrictEqual([
      'uid-7',
    ]);
  }
  expect(connections - before).toBeLessThanOrEqual(3);
});

test('a caller that gives up is the only reason to reject', async () => {
  const controller = new AbortController();
  const reading = scraper().read([replica('/silent')], now, controller.signal);
  controller.abort(new Error('shutting down'));
  await expect(reading).rejects.toThrow('shutting down');
});

test('no replicas give no readings', async () => {
  expect((await scraper().read([], now, never)).size).toBe(0);
});
