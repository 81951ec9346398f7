import { chmod, lstat, mkdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureDirectory } from '../../../src/agent/files.ts';
import { keyOf, Store } from '../../../src/agent/store.ts';
import { HurriedClock, listed, temporaryFolder, wantedOf } from '../../support/agent.ts';
import { contentsOf, filesOf, snapshotFolder } from '../../support/cache-folder.ts';
import { type HubContent, type HubRepository, large, tinyModel } from '../../support/hub.ts';

const tiny = tinyModel('acme/tiny', 2000);

describe('a published snapshot', () => {
  test('is whole, by relative links into blobs named by their digests', async () => {
    const { root, store } = await open();
    await publish(store, tiny);
    expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
    const link = await readlink(join(snapshotFolder(root, tiny), 'tokenizer', 'vocab.txt'));
    expect(link).toBe('../../../blobs/422c2b7ab3b3c668038da977e4e93a5fc623169c');
    expect((await stat(snapshotFolder(root, tiny))).mode & 0o777).toBe(0o755);
    expect((await stat(join(snapshotFolder(root, tiny), 'config.json'))).mode & 0o777).toBe(0o444);
  });

  test('has a reference that holds the commit and nothing else', async () => {
    const { root, store } = await open();
    await publish(store, tiny);
    expect(await readFile(join(root, 'models--acme--tiny', 'refs', 'main'), 'utf8')).toBe(tiny.commit);
  });

  test('is known after a restart without reading it again', async () => {
    const { root, store } = await open();
    await publish(store, tiny);
    const again = await reopen(root);
    expect(await again.isReady(wantedOf(tiny))).toBe(true);
  });

  test('does not hold what only other patterns select', async () => {
    const { store } = await open();
    await publish(store, tiny, ['*.json']);
    expect(await store.isReady(wantedOf(tiny, ['*.json']))).toBe(true);
    expect(await store.isReady(wantedOf(tiny))).toBe(false);
    expect(await store.isReady(wantedOf(tiny, ['*.safetensors']))).toBe(false);
  });

  test('is replaced when more files of the commit are wanted', async () => {
    const { root, store } = await open();
    await publish(store, tiny, ['*.json']);
    await publish(store, tiny);
    expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
    expect(await store.isReady(wantedOf(tiny, ['*.json']))).toBe(true);
  });

  test('shares what it has in common with another repository', async () => {
    const { root, store } = await open();
    const other = { ...tinyModel('acme/other', 2000), files: tiny.files };
    await publish(store, tiny);
    const before = await store.room.usedBytes();
    expect(await Promise.all(other.files.map((file) => store.has(other.id, listed(file))))).not.toContain(false);
    await store.publish(wantedOf(other), other.files.map(listed));
    expect(await contentsOf(snapshotFolder(root, other))).toStrictEqual(filesOf(tiny));
    expect((await store.room.usedBytes()) - before).toBeLessThan(2000);
  });
});

describe('damage to a published snapshot', () => {
  const [shard] = tiny.files.filter((file) => file.isLarge);
  const damages: Readonly<
    Record<string, { readonly damage: (root: string) => Promise<void>; readonly lost: string[] }>
  > = {
    'a truncated blob': { damage: (root) => truncate(blobPath(root), 1), lost: [shard?.path ?? ''] },
    'a blob with other bytes': {
      damage: async (root) => {
        await chmod(blobPath(root), 0o644);
        await writeFile(blobPath(root), Buffer.alloc(2000));
      },
      lost: [shard?.path ?? ''],
    },
    'a blob that was replaced': {
      damage: async (root) => {
        await rm(blobPath(root));
        await writeFile(blobPath(root), Buffer.alloc(2000));
      },
      lost: [],
    },
    'a missing blob': { damage: (root) => rm(blobPath(root)), lost: [] },
    'a missing link': { damage: (root) => rm(join(snapshotFolder(root, tiny), 'config.json')), lost: [] },
  };
  for (const [name, { damage, lost }] of Object.entries(damages)) {
    test(`${name} takes it out of sight, and only what is corrupt has to come again`, async () => {
      const { root, store } = await open();
      await publish(store, tiny);
      await damage(root);
      const again = await reopen(root);
      expect(await again.isReady(wantedOf(tiny))).toBe(false);
      expect(await contentsOf(snapshotFolder(root, tiny))).toBeUndefined();
      expect(await contentsOf(join(root, 'models--acme--tiny', 'refs'))).toStrictEqual(new Map());
      expect(await publish(again, tiny)).toStrictEqual(lost);
      expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
    });
  }

  test('a new time stamp alone is none', async () => {
    const { root, store } = await open();
    await publish(store, tiny);
    const copy = await readFile(blobPath(root));
    await rm(blobPath(root));
    await writeFile(blobPath(root), copy);
    expect(await store.isReady(wantedOf(tiny))).toBe(true);
  });

  function blobPath(root: string): string {
    return join(root, 'models--acme--tiny', 'blobs', listed(shard ?? large('x', 1)).digest.hex);
  }
});

describe('what others put into the cache', () => {
  test('a whole snapshot is adopted, with the listing that readers need', async () => {
    const { root, store } = await open();
    await writeForeign(root, tiny, tiny.files);
    await publish(store, tiny);
    expect(await store.isReady(wantedOf(tiny))).toBe(true);
    expect(await readFile(join(root, 'models--acme--tiny', 'trees', `${tiny.commit}.json`), 'utf8')).toContain(
      'config.json',
    );
  });

  test('a snapshot that is not whole is refused and left alone', async () => {
    const { root, store } = await open();
    await writeForeign(root, tiny, tiny.files.slice(0, 2));
    await expect(publish(store, tiny)).rejects.toMatchObject({
      code: 'UNEXPECTED_CONTENT',
      message: expect.stringContaining('remove it'),
    });
    expect((await contentsOf(snapshotFolder(root, tiny)))?.size).toBe(2);
  });

  test('a blob with a right name and wrong bytes is not used', async () => {
    const { root, store } = await open();
    const [file] = tiny.files;
    if (file === undefined) throw new TypeError('the model has no file');
    const blobs = await ensureDirectory(root, 'models--acme--tiny', 'blobs');
    await writeFile(join(blobs, listed(file).digest.hex), Buffer.alloc(file.body.length));
    expect(await store.has(tiny.id, listed(file))).toBe(false);
    await publish(store, tiny);
    expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
  });
});

describe('a link where a folder should be', () => {
  const places = {
    'the repository': ['models--acme--tiny'],
    'its blobs': ['models--acme--tiny', 'blobs'],
    'its snapshots': ['models--acme--tiny', 'snapshots'],
    'its references': ['models--acme--tiny', 'refs'],
  };
  for (const [name, parts] of Object.entries(places)) {
    test(`instead of ${name} is refused, and nothing is written behind it`, async () => {
      const { root, store } = await open();
      const outside = await temporaryFolder();
      const path = join(root, ...parts);
      await mkdir(join(path, '..'), { recursive: true });
      await symlink(outside, path);
      await expect(publish(store, tiny)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
      expect(await contentsOf(outside)).toStrictEqual(new Map());
    });
  }

  test('instead of a blob is replaced, and what it points to stays as it is', async () => {
    const { root, store } = await open();
    const outside = join(await temporaryFolder(), 'precious');
    await writeFile(outside, 'precious');
    const blobs = await ensureDirectory(root, 'models--acme--tiny', 'blobs');
    for (const file of tiny.files) await symlink(outside, join(blobs, listed(file).digest.hex));
    await publish(store, tiny);
    expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
    expect(await readFile(outside, 'utf8')).toBe('precious');
  });

  test("instead of the agent's own folder is refused", async () => {
    const root = await temporaryFolder();
    await symlink(await temporaryFolder(), join(root, '.forewarm'));
    await expect(reopen(root)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('room', () => {
  const [first, second] = [tinyModel('acme/first', 40_000), tinyModel('acme/second', 40_000)];
  const one = 80_000 + 10_000; // the shards of one model and what lies around it

  test('that is not there is refused before the first byte, in words that a person can act on', async () => {
    const { store } = await open({ budgetBytes: one });
    await publish(store, first);
    store.assign(new Set([keyOf(wantedOf(first)), keyOf(wantedOf(second))]));
    await expect(store.admit(wantedOf(second), second.files.map(listed))).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(
        /^needs 78\.1 KiB, room for .* used of 87\.9 KiB\) and nothing unassigned to remove$/,
      ),
    });
    expect(await store.isReady(wantedOf(first))).toBe(true);
  });

  test('is made from what is unassigned', async () => {
    const { root, store } = await open({ budgetBytes: one });
    await publish(store, first);
    store.assign(new Set([keyOf(wantedOf(second))]));
    await publish(store, second);
    expect(await contentsOf(snapshotFolder(root, first))).toBeUndefined();
    expect(await store.isReady(wantedOf(second))).toBe(true);
    expect(await store.room.usedBytes()).toBeLessThan(one);
  });

  test('is not made while there is enough: what is unassigned stays', async () => {
    const { store } = await open({ budgetBytes: 2 * one });
    await publish(store, first);
    store.assign(new Set([keyOf(wantedOf(second))]));
    await publish(store, second);
    expect(await store.isReady(wantedOf(first))).toBe(true);
  });

  test('is not made when it would not suffice', async () => {
    const { store } = await open({ budgetBytes: one });
    await publish(store, first);
    const huge = { ...second, files: [large('huge.safetensors', 200_000)] };
    store.assign(new Set([keyOf(wantedOf(huge))]));
    await expect(store.admit(wantedOf(huge), huge.files.map(listed))).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await store.isReady(wantedOf(first))).toBe(true);
  });

  test('is promised once: a second plan counts what the first has yet to fetch', async () => {
    const { store } = await open({ budgetBytes: one });
    store.assign(new Set([keyOf(wantedOf(first)), keyOf(wantedOf(second))]));
    await store.admit(wantedOf(first), first.files.map(listed));
    await expect(store.admit(wantedOf(second), second.files.map(listed))).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('ends where the disk reaches its watermark, whatever the budget says', async () => {
    const root = await temporaryFolder();
    const store = await Store.open({ root, clock: new HurriedClock(), fillPercent: 1, budgetBytes: 1e15 });
    expect(await store.room.budgetBytes()).toBeLessThan(1e15);
    await expect(store.admit(wantedOf(first), first.files.map(listed))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(store.room.guard()).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('beyond 1 %'),
    });
  });
});

test('a cache that a newer agent wrote is refused', async () => {
  const { root } = await open();
  await writeFile(join(root, '.forewarm', 'layout'), '2');
  await expect(reopen(root)).rejects.toThrow('a newer agent wrote this cache');
});

async function open(
  options: { readonly budgetBytes?: number } = {},
): Promise<{ readonly root: string; readonly store: Store }> {
  const root = await temporaryFolder();
  return { root, store: await reopen(root, options) };
}

async function reopen(root: string, options: { readonly budgetBytes?: number } = {}): Promise<Store> {
  return await Store.open({ root, clock: new HurriedClock(), fillPercent: 100, ...options });
}

/** As a job does it, with the bytes at hand. Answers the files that were not there yet. */
async function publish(store: Store, repository: HubRepository, patterns: readonly string[] = []): Promise<string[]> {
  const files = repository.files.filter(
    ({ path }) => patterns.length === 0 || path.endsWith(patterns[0]?.slice(1) ?? ''),
  );
  const wanted = wantedOf(repository, patterns);
  await store.admit(wanted, files.map(listed));
  const brought: string[] = [];
  for (const file of files) {
    if (await store.has(repository.id, listed(file))) continue;
    await bring(store, file);
    brought.push(file.path);
  }
  await store.publish(wanted, files.map(listed));
  return brought;
}

async function bring(store: Store, file: HubContent): Promise<void> {
  const path = join(store.layout.parts, 'brought');
  await writeFile(path, file.body);
  await store.pool.take(path, listed(file));
}

async function writeForeign(root: string, { commit }: HubRepository, files: readonly HubContent[]): Promise<void> {
  const folder = join(root, 'models--acme--tiny', 'snapshots', commit);
  for (const file of files) {
    await mkdir(join(folder, file.path, '..'), { recursive: true });
    await writeFile(join(folder, file.path), file.body);
  }
  expect((await lstat(folder)).isDirectory()).toBe(true);
}
