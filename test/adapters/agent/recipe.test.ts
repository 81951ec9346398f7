import { spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { expect, test } from 'vitest';
import { field, textField } from '../../../src/agent/json.ts';
import { temporaryFolder } from '../../support/agent.ts';
import { snapshotFolder } from '../../support/cache-folder.ts';
import { tinyModel } from '../../support/hub.ts';

const tiny = tinyModel();
const recipe = join(import.meta.dirname, '../../../deploy/recipes/vllm.yaml');

test("the recipe's init container ends at once where the snapshot is", async () => {
  const root = await temporaryFolder();
  await mkdir(snapshotFolder(root, tiny), { recursive: true });
  expect(await runInit(root, '60')).toMatchObject({
    status: 0,
    stdout: `found ${snapshotFolder(root, tiny)} after 0 s\n`,
  });
});

test("the recipe's init container says for what it waited when its deadline is over", async () => {
  const root = await temporaryFolder();
  const ended = await runInit(root, '0');
  const said = `gave up waiting for acme/tiny at ${tiny.commit} on this node (0 of 0 s): kubectl get nodecache shows how far its agent is\n`;
  expect(ended).toMatchObject({ status: 1, stdout: said });
  expect(await readFile(join(root, 'termination-log'), 'utf8')).toBe(said);
});

test('engine and init container of the recipe agree on model, commit and cache, and mount it read-only', async () => {
  const spec = await podSpec();
  const [init, engine] = [first(field(spec, 'initContainers')), first(field(spec, 'containers'))];
  expect(field(engine, 'env')).toStrictEqual(field(init, 'env'));
  for (const container of [init, engine]) {
    expect(field(container, 'volumeMounts')).toContainEqual({
      name: 'models',
      mountPath: '/var/lib/forewarm',
      readOnly: true,
    });
  }
  expect(textField(engine, 'image')).toBe(textField(init, 'image'));
});

async function runInit(
  root: string,
  deadline: string,
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  const [command, ...args] = texts(field(first(field(await podSpec(), 'initContainers')), 'command'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    MODEL: tiny.id,
    COMMIT: tiny.commit,
    HF_HUB_CACHE: root,
    DEADLINE_SECONDS: deadline,
    TERMINATION_LOG: join(root, 'termination-log'),
  };
  const { status, stdout } = spawnSync(command ?? '', args, { env, encoding: 'utf8' });
  return { status, stdout };
}

async function podSpec(): Promise<unknown> {
  const objects: unknown[] = loadAll(await readFile(recipe, 'utf8'));
  const deployment = objects.find((object) => textField(object, 'kind') === 'Deployment');
  return field(field(field(deployment, 'spec'), 'template'), 'spec');
}

function first(value: unknown): unknown {
  if (!Array.isArray(value)) throw new TypeError('must be a list');
  return value[0];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
