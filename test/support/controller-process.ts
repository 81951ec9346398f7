import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type AgentProcess, startForewarm } from './agent-process.ts';
import type { KubeServer } from './kube-server.ts';

/** The real controller in a process of its own, on a small API server; it serves nothing unless `args` say so. */
export async function startController(server: KubeServer, args: readonly string[] = []): Promise<AgentProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-controller.'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server: server.origin, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user: {} }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'forewarm-system' } }],
  };
  await writeFile(file, JSON.stringify(config));
  const quiet = ['--metrics-bind', '0', '--adapter-listen', '0', '--hub-endpoint', 'http://127.0.0.1:9'];
  return startForewarm(['controller', '--kubeconfig', file, '--identity', 'one', ...quiet, ...args]);
}
