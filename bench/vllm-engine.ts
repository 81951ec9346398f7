import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const engineFolder = join(import.meta.dirname, '..', 'test', 'engine');
const startSeconds = 240;

/** What this machine lacks for the real vLLM; undefined: nothing, as far as can be told before it is installed. */
export function missingForVllm(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Linux on x86-64';
  const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']);
  return python.status === 0 ? undefined : 'Python 3.11';
}

/** The real vLLM on the CPU with a small deep model of random weights, on a free port of the loopback. Installed on first use. */
export class VllmEngine {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString('utf8')).slice(-3000);
      });
    }
  }

  static async start(settings: Readonly<Record<string, string>>): Promise<VllmEngine> {
    const script = join(engineFolder, 'setup.sh');
    const venv = execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
    const folder = mkdtempSync(join(tmpdir(), 'forewarm-vllm-'));
    const python = join(venv, 'bin', 'python');
    const model = join(folder, 'model');
    execFileSync(python, [join(engineFolder, 'make_model.py'), '--out', model, '--preset', 'deep'], { stdio: 'pipe' });
    const port = await freePort();
    const flags = {
      host: '127.0.0.1',
      port: `${port}`,
      model,
      'served-model-name': 'm',
      dtype: 'float32',
      ...settings,
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(python, ['-m', 'vllm.entrypoints.openai.api_server', '--enforce-eager', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...offline, VLLM_CACHE_ROOT: join(venv, '..', 'vllm-cache') },
    });
    hurry(child.pid);
    const engine = new VllmEngine(child, folder, port);
    await engine.#healthy();
    return engine;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #healthy(): Promise<void> {
    for (let second = 0; second < startSeconds; second++) {
      if (this.#child.exitCode !== null) break;
      const answer = await fetch(`${this.url}/health`).catch(() => undefined);
      if (answer?.status === 200) return;
      await delay(1000);
    }
    await this.stop();
    throw new Error(`vLLM did not answer /health within ${startSeconds} s: ${this.#said}`);
  }
}

const offline = {
  VLLM_ENABLE_V1_MULTIPROCESSING: '0',
  OMP_NUM_THREADS: '1',
  VLLM_HOST_IP: '127.0.0.1',
  HF_HUB_OFFLINE: '1',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
};

/** Ahead of other programs, where this user may: what they take is not the engine's. Threads made later inherit it. */
function hurry(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, -15);
  } catch {
    process.stderr.write('other programs run beside vLLM at its priority: figures are of what they leave\n');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
