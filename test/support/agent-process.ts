import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HubRepository } from './hub.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The real command line in a process of its own; killed when the test is over. */
export function startForewarm(args: readonly string[], prefix: readonly string[] = []): AgentProcess {
  const started = spawnForewarm(args, prefix);
  onTestFinished(async () => {
    started.child.kill('SIGKILL');
    await started.ended.catch(() => undefined);
  });
  return started;
}

/** The same, outside of a test: the caller ends it. */
export function spawnForewarm(args: readonly string[], prefix: readonly string[] = []): AgentProcess {
  const [command = '', ...rest] = [...prefix, process.execPath, program, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { child, ended };
}

/** A spec file that assigns these repositories. */
export async function writeSpec(folder: string, repositories: readonly HubRepository[]): Promise<string> {
  const artifacts = repositories.map(({ id, commit }, index) => ({
    hash: String(index).padStart(12, '0'),
    name: `team-a/${id.split('/')[1] ?? id}`,
    source: `hf://${id}`,
    commit,
  }));
  const path = join(folder, 'spec.yaml');
  await writeFile(path, JSON.stringify({ node: 'node-1', artifacts }));
  return path;
}
