import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokenPromises, killAgain } from '../../support/agent-chaos.ts';
import { temporaryFolder } from '../../support/agent.ts';
import { snapshotFolder } from '../../support/cache-folder.ts';
import { tinyModel } from '../../support/hub.ts';

for (const seed of [1, 2]) {
  test(`an agent that is killed never shows what is not whole, and gets there in the end (seed ${seed}, 6 kills)`, async () => {
    const report = await killAgain(seed, 6);
    expect(report).toMatchObject({ corrupt: [], unfinished: [] });
    expect(report.midway).toBeGreaterThan(0);
    expect(report.looks).toBeGreaterThan(report.kills);
  });
}

test('what looks for broken promises finds a half snapshot and a reference to nothing', async () => {
  const [root, half, dangling] = [await temporaryFolder(), tinyModel('acme/half'), tinyModel('acme/dangling')];
  await mkdir(snapshotFolder(root, half), { recursive: true });
  await writeFile(join(snapshotFolder(root, half), 'config.json'), half.files[0]?.body ?? '');
  const references = join(snapshotFolder(root, dangling), '..', '..', 'refs');
  await mkdir(references, { recursive: true });
  await writeFile(join(references, 'main'), dangling.commit);
  expect(await brokenPromises(root, [half, dangling])).toStrictEqual([
    'acme/half: a snapshot that is not whole',
    'acme/dangling: refs/main names a snapshot that is not there',
  ]);
});
