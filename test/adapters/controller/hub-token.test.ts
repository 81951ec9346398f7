import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { object, text } from '../../../src/adapters/kube/fields.ts';
import { startController } from '../../support/controller-process.ts';
import { startHub, tinyModel } from '../../support/hub.ts';
import { KubeServer } from '../../support/kube-server.ts';

const path = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/modelartifacts/tiny';

/** What the controller first says of the artifact, on a hub that answers only with the token. */
async function resolved(token: string | undefined): Promise<unknown> {
  const model = tinyModel();
  const hub = await startHub({ repositories: [model], token: 'hf_right' });
  onTestFinished(() => hub.close());
  const server = await KubeServer.listen();
  server.put(path, {
    metadata: { name: 'tiny', namespace: 'team-a', uid: 'm', generation: 1 },
    spec: { source: `hf://${model.id}@main` },
  });
  const said = new Promise((resolve) => {
    server.interfere = ({ method, path: asked, body }) => {
      if (method === 'PATCH' && asked === `${path}/status`) resolve(object(body, 'status'));
      return undefined;
    };
  });
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-token.'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  if (token !== undefined) await writeFile(file, `${token}\n`);
  await startController(server, ['--hub-endpoint', hub.endpoint, '--hub-token-file', file]);
  return await said;
}

test('a gated model is pinned with the token of the file', async () => {
  expect(text(await resolved('hf_right'), 'commit')).toBe(tinyModel().commit);
});

test('a file that is not there is no token: the hub refuses, and the artifact says so', async () => {
  expect(await resolved(undefined)).toMatchObject({ conditions: [{ type: 'Resolved', status: 'False' }] });
});
