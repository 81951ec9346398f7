import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { KubeHttp, statusOf } from '../../../src/adapters/kube/http.ts';
import { explainError, isForewarmError } from '../../../src/errors.ts';
import { KubeServer, refuse, reply } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const pods = { verb: 'GET', path: '/api/v1/pods' } as const;

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => undefined,
    (err: unknown) => err,
  );
}

test('a hundred calls one after the other share their connections', async () => {
  const server = await KubeServer.listen();
  const sockets = new Set<unknown>();
  server.interfere = (_request, response) => {
    sockets.add(response.socket);
    return undefined;
  };
  const http = server.http(systemClock());
  for (let i = 0; i < 100; i++) await http.call(pods, signal);
  expect(sockets.size).toBeLessThanOrEqual(2);
});

test('a server that never answers ends the call at its deadline', async () => {
  const server = await KubeServer.listen();
  server.interfere = () => true;
  const err = await failureOf(server.http(systemClock()).call({ ...pods, deadlineMilliseconds: 50 }, signal));
  expect(isForewarmError(err, 'KUBE_REQUEST_FAILED')).toBe(true);
  expect(explainError(err)).toContain('GET /api/v1/pods');
});

test('the deadline counts while the connection is made, too', async () => {
  // Accepts at the TCP level and never speaks TLS: as a server that hangs behind a full backlog.
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const credentials = (): Promise<{ tls: object; headers: Record<string, string> }> =>
    Promise.resolve({ tls: {}, headers: {} });
  const connection = { server: `https://127.0.0.1:${port}`, namespace: 'default', credentials };
  const http = new KubeHttp({ connection, clock: systemClock(), random: () => 0, userAgent: 'test' });
  onTestFinished(() => http.close());
  const err = await failureOf(http.call({ ...pods, deadlineMilliseconds: 100 }, signal));
  expect(isForewarmError(err, 'KUBE_REQUEST_FAILED')).toBe(true);
  expect(explainError(err)).toContain('aborted due to timeout');
});

test('a call ends with its signal', async () => {
  const server = await KubeServer.listen();
  const stop = new AbortController();
  server.interfere = () => {
    stop.abort(new Error('enough'));
    return true;
  };
  const err = await failureOf(server.http(systemClock()).call(pods, stop.signal));
  expect(err).toBeInstanceOf(Error);
  expect(explainError(err)).toContain('enough');
});

test('too many requests: waits as long as the server says, then asks again', async () => {
  const server = await KubeServer.listen();
  const clock = new SkippingClock();
  let refusals = 2;
  server.interfere = (_request, response) => {
    if (refusals-- <= 0) return undefined;
    refuse(response, 429, 'TooManyRequests', { 'retry-after': '7' });
    return true;
  };
  expect(await server.http(clock).call(pods, signal)).toMatchObject({ items: [] });
  expect(clock.slept).toStrictEqual([7700, 7700]);
});

const refusals = {
  'unavailable is asked again when asking twice changes nothing': { status: 503, verb: 'PATCH', requests: 4 },
  'unavailable is not asked again when it would create twice': { status: 503, verb: 'POST', requests: 1 },
  'a conflict is the caller’s to solve': { status: 409, verb: 'PUT', requests: 1 },
  'a server error is the caller’s to judge': { status: 500, verb: 'GET', requests: 1 },
} as const;
for (const [name, { status, verb, requests }] of Object.entries(refusals)) {
  test(`a refusal: ${name}`, async () => {
    const server = await KubeServer.listen();
    server.interfere = (_request, response) => {
      refuse(response, status, 'Refused');
      return true;
    };
    const err = await failureOf(
      server.http(new SkippingClock()).call({ verb, path: '/api/v1/pods/a', body: {} }, signal),
    );
    expect(statusOf(err)).toBe(status);
    expect(server.requests).toHaveLength(requests);
  });
}

test('an expired token is read again once; a right that is missing says so', async () => {
  const server = await KubeServer.listen();
  const tokens = ['old', 'new'];
  let reads = 0;
  const credentials = () =>
    Promise.resolve({ tls: {}, headers: { authorization: `Bearer ${tokens[Math.min(reads++, 1)]}` } });
  const connection = { ...server.connection(), credentials };
  const http = new KubeHttp({ connection, clock: systemClock(), random: () => 0, userAgent: 'test' });
  onTestFinished(() => http.close());
  server.interfere = ({ headers, path }, response) => {
    if (path.endsWith('secrets')) refuse(response, 403, 'Forbidden');
    else if (headers.authorization !== 'Bearer new') refuse(response, 401, 'Unauthorized');
    else return undefined;
    return true;
  };
  expect(await http.call(pods, signal)).toMatchObject({ items: [] });
  expect(reads).toBe(2);
  const err = await failureOf(http.call({ verb: 'GET', path: '/api/v1/secrets' }, signal));
  expect(isForewarmError(err, 'KUBE_FORBIDDEN')).toBe(true);
});

test('a proxy that answers with a page is an error with its words, not a list of nothing', async () => {
  const server = await KubeServer.listen();
  server.interfere = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>');
    return true;
  };
  const err = await failureOf(server.http(systemClock()).call(pods, signal));
  expect(isForewarmError(err, 'KUBE_REQUEST_FAILED')).toBe(true);
});

test('patches are merge patches unless told otherwise', async () => {
  const server = await KubeServer.listen();
  server.interfere = (_request, response) => {
    reply(response, 200, {});
    return true;
  };
  const http = server.http(systemClock());
  await http.call({ verb: 'PATCH', path: '/a', body: {} }, signal);
  await http.call({ verb: 'PATCH', path: '/a', body: [], contentType: 'application/json-patch+json' }, signal);
  expect(server.requests.map(({ headers }) => headers['content-type'])).toStrictEqual([
    'application/merge-patch+json',
    'application/json-patch+json',
  ]);
});
