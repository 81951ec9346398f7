import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** A process of the product under test, with what it printed. Everything still running ends with the suite. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  #output = '';
  readonly exited: Promise<number | null>;

  constructor(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.name = name;
    this.#process = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code) => resolve(code));
      this.#process.once('error', (error) => {
        this.#output += `${error.message}\n`;
        resolve(127);
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#process.kill('SIGTERM');
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await this.exited;
    clearTimeout(late);
  }

  #keep(chunk: Buffer): void {
    this.#output += chunk.toString();
    if (this.#output.length > 2_000_000) this.#output = this.#output.slice(-1_000_000);
  }
}

/** `forewarm ARGS`, run by the pinned Node that runs the suite. */
export function forewarm(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  return new Child(name, process.execPath, [join(root, 'src/cli/main.ts'), ...args], env);
}
