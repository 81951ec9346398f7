import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openHub, temporaryFolder } from '../../support/agent.ts';
import { snapshotFolder } from '../../support/cache-folder.ts';
import { startForewarm, writeSpec } from '../../support/agent-process.ts';
import { large, tinyModel } from '../../support/hub.ts';

const home = process.env['FOREWARM_HF'] ?? join(homedir(), '.cache', 'forewarm', 'hf');
const python = join(home, 'bin', 'python');
const isAbsent = !existsSync(python);
const tiny = tinyModel();

describe.skipIf(isAbsent)(
  `the real hub client${isAbsent ? ' (2 cases: run test/support/huggingface-setup.sh)' : ''}`,
  () => {
    const byCommit = `snapshot_download('acme/tiny', revision='${tiny.commit}', local_files_only=True`;
    const readings: Readonly<Record<string, string>> = {
      'the snapshot by its default reference': "snapshot_download('acme/tiny', local_files_only=True)",
      'it by its commit': `${byCommit})`,
      'it the way engines ask for it': `${byCommit}, ignore_patterns='*')`,
      'single files in folders': "hf_hub_download('acme/tiny', 'extra/deep/weights.bin')",
    };

    test(`finds offline, on a read-only cache, ${Object.keys(readings).join(', ')}`, async () => {
      const root = await filled();
      const folder = snapshotFolder(root, tiny);
      const want = [folder, folder, folder, join(folder, 'extra/deep/weights.bin')];
      expect(await read(root, `'\\n'.join([${Object.values(readings).join(', ')}])`)).toBe(want.join('\n'));
    });

    test('says that a snapshot is incomplete when a file was taken out of it', async () => {
      const root = await filled();
      await unlink(join(snapshotFolder(root, tiny), 'config.json'));
      await expect(read(root, `${byCommit})`)).rejects.toThrow('Incomplete');
    });
  },
);

/** A cache that the agent filled, read-only as engines mount it. */
async function filled(): Promise<string> {
  const model = { ...tiny, files: [...tiny.files, large('extra/deep/weights.bin', 1234)] };
  const hub = await openHub({ repositories: [model] });
  const root = await temporaryFolder();
  const spec = await writeSpec(await temporaryFolder(), [model]);
  const flags = ['--spec', spec, '--cache-dir', root, '--hub-endpoint', hub.endpoint, '--watermark', '100', '--once'];
  expect(await startForewarm(['agent', ...flags]).ended).toMatchObject({ code: 0 });
  await chmod(root, 0o555);
  return root;
}

async function read(cache: string, expression: string): Promise<string> {
  const script = `from huggingface_hub import hf_hub_download, snapshot_download\nprint(${expression})`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HF_HUB_OFFLINE: '1',
    HF_HUB_CACHE: cache,
    HF_HOME: join(cache, 'no-home'),
  };
  const { stdout } = await promisify(execFile)(python, ['-c', script], { env });
  return stdout.trim();
}
