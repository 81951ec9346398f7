import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openHub, temporaryFolder } from '../../support/agent.ts';
import { contentsOf, filesOf, snapshotFolder } from '../../support/cache-folder.ts';
import { startForewarm, writeSpec } from '../../support/agent-process.ts';
import { type HubRepository, tinyModel } from '../../support/hub.ts';

const tiny = tinyModel();

describe('forewarm agent --spec', () => {
  test('fills the cache, says so and ends with 0', async () => {
    const { root, flags } = await prepare([tiny]);
    const { code, stdout } = await startForewarm(['agent', ...flags, '--once']).ended;
    expect({ code, last: stdout.trim().split('\n').at(-1) }).toStrictEqual({
      code: 0,
      last: `team-a/tiny ${tiny.commit.slice(0, 12)} Ready 100 % of 600034 bytes`,
    });
    expect(await contentsOf(snapshotFolder(root, tiny))).toStrictEqual(filesOf(tiny));
  });

  test('ends with 1 and the reason when an artifact cannot be had', async () => {
    const { flags } = await prepare([tiny], [{ ...tiny, commit: 'f'.repeat(40) }]);
    const { code, stdout } = await startForewarm(['agent', ...flags, '--once']).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/Failed: DownloadFailed: .* answered 404 \(RevisionNotFound\)\n$/);
  });

  test('ends with 0 on SIGTERM, at once, and what it has fetched stays', async () => {
    const { root, flags } = await prepare([tiny], [tiny], 100_000);
    const { child, ended } = startForewarm(['agent', ...flags]);
    await until(child, async () => (await partBytes(root)) > 1000);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(await partBytes(root)).toBeGreaterThan(0);
  });

  test('refuses a directory that another agent uses', async () => {
    const { root, flags } = await prepare([tiny], [tiny], 50_000);
    const { child } = startForewarm(['agent', ...flags]);
    await until(child, async () => (await partBytes(root)) > 0);
    const { code, stderr } = await startForewarm(['agent', ...flags, '--once']).ended;
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is in use by another agent') });
  });

  const mistakes: Readonly<Record<string, { readonly flags: readonly string[]; readonly says: string }>> = {
    'a budget that is no size': {
      flags: ['--budget', '12x'],
      says: 'It must be a number of bytes above 0, as 500Gi or 200M, was',
    },
    'a hub that is no address': { flags: ['--hub-endpoint', 'ftp://x'], says: 'It must be an http or https address' },
    'a spec that is not there': { flags: ['--spec', '/nowhere.yaml'], says: 'reading the spec /nowhere.yaml: ENOENT' },
  };
  for (const [name, { flags, says }] of Object.entries(mistakes)) {
    test(`explains ${name}`, async () => {
      const { flags: good } = await prepare([tiny]);
      const { code, stderr } = await startForewarm(['agent', ...good, ...flags, '--once']).ended;
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
    });
  }
});

/** A small file system of its own needs a mount namespace, which not every machine allows. */
const mountable = ['unshare', '--user', '--map-root-user', '--mount'];
const canMount =
  spawnSync(mountable[0] ?? '', [...mountable.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test.skipIf(!canMount)(
  `a disk that is full fails with its name, and gets its room back${canMount ? '' : ' (1 case: no mount namespaces here)'}`,
  async () => {
    const { root, flags } = await prepare([tiny]);
    // 500 KiB for 600 KB of files; the watermark and the budget let the agent run into the wall itself
    const mount = `mount -t tmpfs -o size=500k tmpfs ${root} && "$@"; code=$?; du -s ${root}/.forewarm/parts; exit $code`;
    const prefix = [...mountable, 'sh', '-c', mount, 'sh'];
    const { code, stdout } = await startForewarm(['agent', ...flags, '--once'], prefix).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/Failed .*: DiskFull: /);
    expect(Number(/^(\d+)\s.*parts$/m.exec(stdout)?.[1])).toBeLessThan(330);
  },
);

interface Prepared {
  readonly root: string;
  readonly flags: readonly string[];
}

async function prepare(
  repositories: readonly HubRepository[],
  assigned: readonly HubRepository[] = repositories,
  bytesPerSecond?: number,
): Promise<Prepared> {
  const hub = await openHub({ repositories, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) });
  const folder = await temporaryFolder();
  const root = join(folder, 'cache');
  await mkdir(root);
  const spec = await writeSpec(folder, assigned);
  const flags = ['--spec', spec, '--cache-dir', root, '--hub-endpoint', hub.endpoint, '--watermark', '100'];
  return { root, flags };
}

async function partBytes(root: string): Promise<number> {
  const parts = join(root, '.forewarm', 'parts');
  const names = (await readdir(parts).catch(() => [])).filter((name) => !name.endsWith('.json'));
  const sizes = await Promise.all(
    names.map(async (name) => (await readFile(join(parts, name)).catch(() => '')).length),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Waits while the process lives. */
async function until(child: { readonly exitCode: number | null }, holds: () => Promise<boolean>): Promise<void> {
  while (child.exitCode === null && !(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
