import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hubClient, listed, openHub } from '../../support/agent.ts';
import { tinyModel } from '../../support/hub.ts';

const live = new AbortController().signal;
const tiny = tinyModel();
const repositories = [tiny];

describe('resolving a revision', () => {
  test('pins its commit and lists every file with size and digest, over several pages', async () => {
    const hub = await openHub({ repositories, pageSize: 3 });
    const found = await hubClient(hub.endpoint).resolve('hf://acme/tiny', 'main', live);
    expect(found.commit).toBe(tiny.commit);
    expect(found.files.map(({ path, bytes, digest }) => ({ path, bytes, digest }))).toStrictEqual(
      tiny.files.map(listed).map(({ path, bytes, digest }) => ({ path, bytes, digest })),
    );
    expect(hub.requests).toHaveLength(3);
  });

  const refusals = {
    'that does not exist says so and is not tried again soon': {
      ask: { source: 'hf://acme/tiny', revision: 'v9' },
      want: { code: 'DOWNLOAD_FAILED', isPermanent: true, message: expect.stringContaining('404 (RevisionNotFound)') },
    },
    'of another scheme is refused': {
      ask: { source: 's3://b/m', revision: 'main' },
      want: { code: 'CONFIG_INVALID', message: expect.stringContaining("must be 'hf://org/name'") },
    },
    'that is no git reference is refused': {
      ask: { source: 'hf://acme/tiny', revision: '../../x' },
      want: { code: 'CONFIG_INVALID' },
    },
  };
  for (const [name, { ask, want }] of Object.entries(refusals)) {
    test(`${name}`, async () => {
      const hub = await openHub({ repositories });
      await expect(hubClient(hub.endpoint).resolve(ask.source, ask.revision, live)).rejects.toMatchObject(want);
    });
  }

  test('without access names what the hub said', async () => {
    const hub = await openHub({ repositories, token: 'secret' });
    const asked = hubClient(hub.endpoint, 'wrong').resolve('hf://acme/tiny', 'main', live);
    await expect(asked).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringContaining('401 (GatedRepo)'),
    });
  });

  test('behind a login page says what came instead', async () => {
    const page = await serve((_, respond) => respond(200, { 'content-type': 'text/html' }, '<html>log in</html>'));
    await expect(hubClient(page).resolve('hf://acme/tiny', 'main', live)).rejects.toMatchObject({
      code: 'UNEXPECTED_CONTENT',
      message: expect.stringMatching(/^19 bytes text\/html from 127\.0\.0\.1:\d+ instead of JSON/),
    });
  });

  test('of a hub that answers another commit than the one asked for is refused', async () => {
    const other = await serve((_, respond) => respond(200, {}, JSON.stringify({ sha: 'f'.repeat(40) })));
    await expect(hubClient(other).list('acme/tiny', tiny.commit, live)).rejects.toMatchObject({
      code: 'UNEXPECTED_CONTENT',
    });
  });

  const listings = {
    'without digests': [{ type: 'file', path: 'a', size: 1 }],
    'with a negative size': [{ type: 'file', path: 'a', size: -1, oid: 'a'.repeat(40) }],
    'with a short sha256': [{ type: 'file', path: 'a', size: 1, oid: 'a'.repeat(40), lfs: { oid: 'ab', size: 1 } }],
    'that is no list': { error: 'x' },
  };
  for (const [name, listing] of Object.entries(listings)) {
    test(`a listing ${name} is refused`, async () => {
      const broken = await serve((path, respond) =>
        respond(200, {}, JSON.stringify(path.includes('/tree/') ? listing : { sha: tiny.commit })),
      );
      await expect(hubClient(broken).list('acme/tiny', 'main', live)).rejects.toMatchObject({
        code: 'UNEXPECTED_CONTENT',
      });
    });
  }

  test('waits as long as a rate limit says', async () => {
    const busy = await serve((_, respond) => respond(429, { ratelimit: '"api";r=0;t=57' }, ''));
    await expect(hubClient(busy).list('acme/tiny', 'main', live)).rejects.toMatchObject({
      isPermanent: false,
      retryAfterSeconds: 57,
    });
  });
});

describe('a redirect', () => {
  test('to another origin is followed without the token', async () => {
    const hub = await openHub({ repositories, token: 'secret' });
    const client = hubClient(hub.endpoint, 'secret');
    const file = listed(tiny.files[2] ?? tiny.files[0] ?? never());
    const opened = await client.open({ repo: tiny.id, commit: tiny.commit, file, offset: 0 }, live);
    expect(await sizeOf(opened.batches)).toBe(file.bytes);
    expect(hub.requests.map(({ server, authorization }) => ({ server, authorization }))).toStrictEqual([
      { server: 'api', authorization: 'Bearer secret' },
      { server: 'content', authorization: undefined },
    ]);
  });

  const refused = {
    "to the machine's metadata service": 'http://169.254.169.254/latest/meta-data',
    'to an IPv6 link-local address': 'http://[fe80::1]/x',
    'to another scheme': 'file:///etc/passwd',
    'to nowhere': 'http://',
  };
  for (const [name, to] of Object.entries(refused)) {
    test(`${name} is refused`, async () => {
      const hub = await openHub({ repositories, fault: () => ({ kind: 'redirect', to }) });
      const file = listed(tiny.files[0] ?? never());
      const opened = hubClient(hub.endpoint).open({ repo: tiny.id, commit: tiny.commit, file, offset: 0 }, live);
      await expect(opened).rejects.toMatchObject({ isPermanent: true, message: expect.stringContaining('is refused') });
    });
  }

  test('that never ends is given up', async () => {
    const hub = await openHub({ repositories, fault: ({ path }) => ({ kind: 'redirect', to: encodeURI(path) }) });
    const file = listed(tiny.files[0] ?? never());
    const opened = hubClient(hub.endpoint).open({ repo: tiny.id, commit: tiny.commit, file, offset: 0 }, live);
    await expect(opened).rejects.toThrow('more than 5 redirects');
  });
});

type Respond = (status: number, headers: Readonly<Record<string, string>>, body: string) => void;

async function serve(handle: (path: string, respond: Respond) => void): Promise<string> {
  const server = createServer((req, res) => {
    handle(req.url ?? '', (status, headers, body) => {
      res.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers });
      res.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
}

async function sizeOf(batches: AsyncIterable<readonly Uint8Array[]>): Promise<number> {
  let bytes = 0;
  for await (const batch of batches) bytes += Buffer.concat(batch).length;
  return bytes;
}

function never(): never {
  throw new TypeError('the model has no such file');
}
