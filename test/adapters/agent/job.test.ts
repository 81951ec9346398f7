import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Job, type JobProgress } from '../../../src/agent/job.ts';
import { type Wanted, keyOf } from '../../../src/agent/store.ts';
import {
  type Bench,
  HurriedClock,
  hubClient,
  listed,
  openBench,
  openHub,
  temporaryFolder,
  wantedOf,
} from '../../support/agent.ts';
import { contentsOf, filesOf, snapshotFolder } from '../../support/cache-folder.ts';
import {
  type Fault,
  folderModel,
  type HubOptions,
  type HubRequest,
  large,
  small,
  type TestHub,
  tinyModel,
} from '../../support/hub.ts';

const tiny = tinyModel();
const shard = tiny.files[2] ?? tiny.files[0];
const shardName = shard === undefined ? '' : listed(shard).digest.hex;

describe('a transfer', () => {
  test('asks for every file once and publishes all of them', async () => {
    const { hub, bench, settled } = await run({});
    expect(await settled).toMatchObject({ phase: 'Ready', bytesDone: 600_034, bytesTotal: 600_034 });
    expect(await contentsOf(snapshotFolder(bench.root, tiny))).toStrictEqual(filesOf(tiny));
    expect(hub.contents().filter(({ server }) => server === 'content')).toHaveLength(2);
    expect(await readdir(bench.store.layout.parts)).toStrictEqual([]);
    expect(await readdir(bench.store.layout.plans)).toStrictEqual([]);
  });

  test('that breaks off goes on where it was', async () => {
    const { hub, settled } = await run({ fault: first(shardName, { kind: 'cut', afterBytes: 123_456 }) });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(rangesOf(hub, shardName)).toStrictEqual([undefined, 'bytes=123456-299999']);
  });

  test('that goes on at a server without ranges starts anew', async () => {
    const { bench, settled } = await run({
      fault: ({ path }, count) => {
        if (!path.includes(shardName)) return undefined;
        return count === 1 ? { kind: 'cut', afterBytes: 1000 } : { kind: 'ignore-range' };
      },
    });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(await contentsOf(snapshotFolder(bench.root, tiny))).toStrictEqual(filesOf(tiny));
  });

  test('whose content changed on the way starts anew', async () => {
    const root = await temporaryFolder();
    await leavePart(root, { body: Buffer.alloc(5000), etag: '"another"' });
    const { hub, settled } = await run({ root });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(rangesOf(hub, shardName)).toStrictEqual(['bytes=5000-299999']);
  });

  test('of a signed address that expired asks for a new one', async () => {
    const { hub, settled } = await run({ fault: first(shardName, { kind: 'status', status: 403 }) });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(hub.requests.filter(({ path }) => path.endsWith('00001-of-00002.safetensors'))).toHaveLength(2);
  });

  test('waits as long as the server asks', async () => {
    const busy: Fault = { kind: 'status', status: 503, headers: { 'retry-after': '41' } };
    const { bench, settled } = await run({ fault: first(shardName, busy) });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(bench.clock.slept).toContain(41_000);
  });

  test('that brings nothing six times in a row fails, and says where', async () => {
    const { hub, settled } = await run({ fault: always(shardName, { kind: 'status', status: 500 }) });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^DownloadFailed: .* answered 500$/),
    });
    expect(rangesOf(hub, shardName)).toHaveLength(6);
  });

  test('never gives up while each try brings something', async () => {
    const { settled } = await run({
      fault: ({ path }, count) =>
        path.includes(shardName) && count <= 12 ? { kind: 'cut', afterBytes: 20_000 } : undefined,
    });
    expect(await settled).toMatchObject({ phase: 'Ready' });
  });

  test('without access fails at once', async () => {
    const { hub, settled } = await run({ token: 'secret' });
    expect(await settled).toMatchObject({ phase: 'Failed', message: expect.stringContaining('401 (GatedRepo)') });
    expect(hub.requests).toHaveLength(1);
  });
});

describe('what is not what was asked for', () => {
  test('a login page in place of weights publishes nothing, keeps nothing and stops all other files', async () => {
    const page: Fault = { kind: 'page', body: 'x'.repeat(635) };
    const { hub, bench, settled } = await run({ fault: () => page });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      bytesDone: 0,
      message: expect.stringMatching(
        /^UnexpectedContent: 635 bytes text\/html from 127\.0\.0\.1:\d+ instead of 4 bytes/,
      ),
    });
    expect(hub.contents()).toHaveLength(1);
    expect(await keptIn(bench)).toStrictEqual({ blobs: [], parts: [], shown: undefined });
  });

  test('a login page for one large file alone keeps none of it', async () => {
    const { bench, settled } = await run({ fault: always(shardName, { kind: 'page', body: 'x'.repeat(635) }) });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining("instead of 300000 bytes of 'model-00001-of-00002.safetensors'"),
    });
    const { blobs, shown } = await keptIn(bench);
    expect(blobs).not.toContain(shardName);
    expect(shown).toBeUndefined();
  });

  test('a page of exactly the right length is one too', async () => {
    const { settled } = await run({ fault: always(shardName, { kind: 'page', body: 'x'.repeat(300_000) }) });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('300000 bytes text/html'),
    });
  });

  test('a wrong byte is found before anybody sees it', async () => {
    const { hub, bench, settled } = await run({ fault: always(shardName, { kind: 'flip', atByte: 299_999 }) });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^UnexpectedContent: the sha256 of .* is not /),
    });
    expect(rangesOf(hub, shardName)).toHaveLength(1);
    expect((await keptIn(bench)).shown).toBeUndefined();
  });

  test('a wrong byte in what an earlier run left is fetched again', async () => {
    const root = await temporaryFolder();
    await leavePart(root, { body: Buffer.alloc(5000), etag: `"${shardName}"` });
    const { hub, bench, settled } = await run({ root });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(rangesOf(hub, shardName)).toStrictEqual(['bytes=5000-299999', undefined]);
    expect(await contentsOf(snapshotFolder(bench.root, tiny))).toStrictEqual(filesOf(tiny));
  });

  test('a part longer than the file is cut', async () => {
    const root = await temporaryFolder();
    await leavePart(root, { body: Buffer.alloc(400_000), etag: `"${shardName}"` });
    const { settled } = await run({ root });
    expect(await settled).toMatchObject({ phase: 'Ready' });
  });

  const names = ['../../../../outside', '/etc/forewarm', 'a/../../b', 'a\\b', '.git/hooks/x'];
  for (const path of names) {
    test(`a file named ${JSON.stringify(path)} is refused and nothing is fetched`, async () => {
      const { hub, settled } = await run({
        listing: (entries) => entries.map((entry, index) => (index === 0 ? { ...entry, path } : entry)),
      });
      expect(await settled).toMatchObject({
        phase: 'Failed',
        message: expect.stringContaining(JSON.stringify(path).slice(1, -1)),
      });
      expect(hub.contents()).toStrictEqual([]);
    });
  }
});

describe('a job', () => {
  test('that served a folder of a disk holds the same files', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'config.json'), '{}');
    await writeFile(join(folder, 'model.safetensors'), Buffer.alloc(5000, 7));
    const model = folderModel('acme/folder', folder);
    const hub = await openHub({ repositories: [model] });
    const bench = await openBench(hubClient(hub.endpoint));
    expect(await start(bench, wantedOf(model)).settled).toMatchObject({ phase: 'Ready', bytesDone: 5002 });
    expect(await contentsOf(snapshotFolder(bench.root, model))).toStrictEqual(await contentsOf(folder));
  });

  test('keeps only what the patterns select', async () => {
    const { bench, settled } = await run({ patterns: ['*.json', 'tokenizer/'] });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect([...((await contentsOf(snapshotFolder(bench.root, tiny))) ?? [])].map(([name]) => name)).toStrictEqual([
      'config.json',
      'tokenizer/vocab.txt',
    ]);
  });

  test('that selects nothing fails, never ready with 0 bytes', async () => {
    const { settled } = await run({ patterns: ['*.gguf'] });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: 'ConfigInvalid: no file to keep: 4 listed, patterns [*.gguf]',
    });
  });

  test('without room fetches nothing and says how much is lacking', async () => {
    const { hub, settled } = await run({ budgetBytes: 100_000 });
    expect(await settled).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^DiskFull: needs 586\.0 KiB, room for /),
    });
    expect(hub.contents()).toStrictEqual([]);
  });

  test('goes on after a restart with the listing at hand, and does not fetch what is there', async () => {
    const root = await temporaryFolder();
    const broken = await run({ root, fault: always(shardName, { kind: 'status', status: 500 }) });
    expect(await broken.settled).toMatchObject({ phase: 'Failed' });
    await broken.stop();
    const { hub, settled } = await run({ root });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(hub.requests.map(({ server }) => server)).toStrictEqual(['api', 'content']);
  });

  test('of a published snapshot asks nobody, whatever became of the hub', async () => {
    const root = await temporaryFolder();
    const before = await run({ root });
    await before.settled;
    await before.stop();
    const { hub, settled } = await run({ root, fault: () => ({ kind: 'status', status: 404 }) });
    expect(await settled).toMatchObject({ phase: 'Ready', bytesDone: 600_034 });
    expect(hub.requests).toStrictEqual([]);
  });

  test('that got what the listing does not say asks for the listing again after a long pause', async () => {
    let lists = 0;
    const hub = await openHub({
      repositories: [tiny],
      listing: (entries) =>
        entries.map((entry) => ((lists += 1) <= entries.length ? { ...entry, oid: '0'.repeat(40) } : entry)),
    });
    const clock = new HurriedClock(Number.POSITIVE_INFINITY);
    const bench = await openBench(hubClient(hub.endpoint), { clock });
    bench.store.assign(new Set([keyOf(wantedOf(tiny))]));
    const { job, settled, stop } = start(bench, wantedOf(tiny));
    expect(await settled).toMatchObject({ phase: 'Failed', message: expect.stringContaining('the git-sha1 of') });
    await until(async () => (await job.progress()).phase === 'Ready');
    await stop();
    expect(clock.slept.some((pause) => pause >= 300_000 && pause <= 450_000)).toBe(true);
    expect(await contentsOf(snapshotFolder(bench.root, tiny))).toStrictEqual(filesOf(tiny));
  });

  test('shares a file that another job is fetching', async () => {
    const other = {
      ...tinyModel('acme/other'),
      files: [...tiny.files, small('own.txt', 'own'), large('own.safetensors', 9)],
    };
    const hub = await openHub({ repositories: [tiny, other], bytesPerSecond: 3_000_000 });
    const bench = await openBench(hubClient(hub.endpoint));
    const wanted = [wantedOf(tiny), wantedOf(other)];
    bench.store.assign(new Set(wanted.map(keyOf)));
    const done = await Promise.all(wanted.map(async (want) => await start(bench, want).settled));
    expect(done.map(({ phase }) => phase)).toStrictEqual(['Ready', 'Ready']);
    expect(rangesOf(hub, shardName)).toHaveLength(1);
    expect(await contentsOf(snapshotFolder(bench.root, other))).toStrictEqual(filesOf(other));
  });

  test('that is stopped leaves what it has for the next', async () => {
    const root = await temporaryFolder();
    const slow = await run({ root, bytesPerSecond: 400_000 });
    await until(async () => (await slow.job.progress()).bytesDone > 50_000);
    await slow.stop();
    expect(await contentsOf(snapshotFolder(root, tiny))).toBeUndefined();
    const { hub, settled } = await run({ root });
    expect(await settled).toMatchObject({ phase: 'Ready' });
    expect(hub.requests.some(({ range }) => range !== undefined && !range.startsWith('bytes=0-'))).toBe(true);
  });
});

interface Started {
  readonly job: Job;
  readonly settled: Promise<JobProgress>;
  readonly stop: () => Promise<void>;
}

interface RunOptions extends Partial<HubOptions> {
  readonly root?: string;
  readonly budgetBytes?: number;
  readonly patterns?: readonly string[];
}

async function run(options: RunOptions): Promise<Started & { readonly hub: TestHub; readonly bench: Bench }> {
  const { root, budgetBytes, patterns } = options;
  const hub = await openHub({ repositories: [tiny], ...options });
  const bench = await openBench(hubClient(hub.endpoint), {
    ...(root === undefined ? {} : { root }),
    ...(budgetBytes === undefined ? {} : { budgetBytes }),
  });
  const wanted = wantedOf(tiny, patterns);
  bench.store.assign(new Set([keyOf(wanted)]));
  return { hub, bench, ...start(bench, wanted) };
}

function start(bench: Bench, wanted: Wanted): Started {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const job: Job = new Job({ ...bench.deps, onFailure: () => resolve(), onReady: () => resolve() }, wanted);
  const done = job.keep(controller.signal);
  const stop = async (): Promise<void> => {
    controller.abort(new Error('the test ends'));
    await done;
  };
  onTestFinished(stop);
  return { job, stop, settled: promise.then(async () => await afterTurn(job)) };
}

/** Callbacks run just before the state is set. */
async function afterTurn(job: Job): Promise<JobProgress> {
  await new Promise((resolve) => setImmediate(resolve));
  return await job.progress();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

function first(name: string, fault: Fault): (request: HubRequest, count: number) => Fault | undefined {
  return ({ path }, count) => (path.includes(name) && count === 1 ? fault : undefined);
}

function always(name: string, fault: Fault): (request: HubRequest) => Fault | undefined {
  return ({ path }) => (path.includes(name) ? fault : undefined);
}

/** Ranges asked of the content server for one blob, in order. */
function rangesOf(hub: TestHub, name: string): (string | undefined)[] {
  return hub.requests
    .filter(({ server, path }) => server === 'content' && path.includes(name))
    .map(({ range }) => range);
}

interface Kept {
  readonly blobs: readonly string[];
  readonly parts: readonly string[];
  readonly shown: ReadonlyMap<string, Buffer> | undefined;
}

async function keptIn({ root, store }: Bench): Promise<Kept> {
  const [blobs, parts] = [await readdir(store.layout.blobs), await readdir(store.layout.parts)];
  return { blobs, parts, shown: await contentsOf(snapshotFolder(root, tiny)) };
}

/** A half-finished shard as a killed agent leaves it. */
async function leavePart(
  root: string,
  { body, etag }: { readonly body: Buffer; readonly etag: string },
): Promise<void> {
  const { store } = await openBench(hubClient('http://127.0.0.1:9'), { root });
  const path = join(store.layout.parts, shardName);
  await writeFile(path, body);
  await writeFile(`${path}.json`, JSON.stringify({ bytes: 300_000, durableBytes: 0, bootId: store.bootId, etag }));
  expect((await readFile(path)).length).toBe(body.length);
}
