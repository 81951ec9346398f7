import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type Result } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';
import type { PolicyAnswer, PolicyView } from '../sim/policies/policy.ts';
import type { Scenario } from '../sim/scenario.ts';
import { type ExecHello, helloLine, parseDecision, parseHello, tickLine } from './exec-protocol.ts';
import { LineQueue } from './line-queue.ts';

/** A policy that is a program of its own, named by `--policy exec:CMD`. */
export interface ExternalDefinition {
  readonly kind: 'ExternalPolicy';
  /** For the shell. */
  readonly command: string;
  /** A silence of this length ends the run. */
  readonly timeoutSeconds: number;
}

export interface ExecOptions {
  readonly definition: ExternalDefinition;
  readonly scenario: Scenario;
  /** Told of the process, which leads a group of its own. */
  readonly started?: (pid: number) => void;
}

/** How long the process may take to end after its stdin was closed. */
const graceMs = 5000;

/**
 * One process that serves one run: a line on its stdin asks, a line on its stdout answers; what it writes to stderr is shown. Whatever it does
 * wrong ends the run with an error that names the line and what was expected there.
 */
export class ExecPolicy {
  readonly name: string;
  readonly tickSeconds: number;
  readonly initialReplicas?: number;
  readonly readsHistograms: boolean;
  readonly #connection: Connection;
  #ticks = 0;

  private constructor(
    name: string,
    connection: Connection,
    { tickSeconds, initialReplicas, readsHistograms = false }: ExecHello,
  ) {
    this.name = name;
    this.tickSeconds = tickSeconds;
    this.readsHistograms = readsHistograms;
    if (initialReplicas !== undefined) this.initialReplicas = initialReplicas;
    this.#connection = connection;
  }

  /** Starts the process and greets it. */
  static async open({ definition, scenario, started }: ExecOptions): Promise<ExecPolicy> {
    const connection = new Connection(definition);
    if (connection.pid !== undefined) started?.(connection.pid);
    try {
      const hello = await connection.ask(helloLine(scenario), 'the hello', parseHello);
      return new ExecPolicy(`exec:${definition.command}`, connection, hello);
    } catch (err) {
      await connection.close();
      throw err;
    }
  }

  async decide(view: PolicyView): Promise<PolicyAnswer> {
    const n = ++this.#ticks;
    return this.#connection.ask(tickLine(n, view), `tick ${n}`, (line) => parseDecision(line, n));
  }

  /** The end of its stdin tells it to end; a process that stays is killed. */
  async close(): Promise<void> {
    await this.#connection.close();
  }
}

class Connection {
  readonly #definition: ExternalDefinition;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #lines = new LineQueue();
  #answers = 0;
  #ending = 'ended';

  constructor(definition: ExternalDefinition) {
    this.#definition = definition;
    const child = spawn(definition.command, { shell: true, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#input = child.stdin;
    this.#read(child.stdout);
    child.stdin.on('error', () => undefined);
    child.on('error', (err) => this.#end(`could not be started (${err.message})`));
    child.on('close', (code, signal) => this.#end(`ended with ${signal ?? `exit code ${code}`}`));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async ask<T>(message: object, asked: string, parse: (line: string) => Result<T>): Promise<T> {
    this.#refuseUnasked(asked);
    this.#input.write(`${JSON.stringify(message)}\n`);
    const line = await this.#answer(asked);
    this.#answers++;
    const read = parse(line);
    if (read.ok) return read.value;
    throw this.#failure(`line ${this.#answers} of its stdout, the answer to ${asked}: ${describe(read.problem)}`);
  }

  async close(): Promise<void> {
    this.#input.end();
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    const patience = new AbortController();
    const gone = once(this.#child, 'exit', { signal: patience.signal });
    const isGone = await Promise.race([gone.then(() => true), sleep(graceMs, false, { signal: patience.signal })]);
    if (!isGone) killGroup(pid);
    patience.abort();
    await Promise.allSettled([gone]);
  }

  async #answer(asked: string): Promise<string> {
    const { timeoutSeconds } = this.#definition;
    const line = await this.#lines.take(timeoutSeconds * 1000);
    if (line.kind === 'line') return line.text;
    if (line.kind === 'ended') throw this.#failure(`it ${this.#ending} before it answered ${asked}`);
    const { pid } = this.#child;
    if (pid !== undefined) killGroup(pid);
    throw this.#failure(`no answer to ${asked} came within ${timeoutSeconds} s (--exec-timeout)`);
  }

  /** A line that nobody asked for would be taken for the answer to the next tick. */
  #refuseUnasked(asked: string): void {
    const early = this.#lines.peek();
    if (early === undefined) return;
    const said = JSON.stringify(early.slice(0, 80));
    throw this.#failure(
      `line ${this.#answers + 1} of its stdout must come after ${asked} was sent, was there before: ${said}`,
    );
  }

  #read(output: Readable): void {
    const reader = createInterface({ input: output });
    reader.on('line', (line) => this.#lines.push(line));
  }

  #end(how: string): void {
    this.#ending = how;
    this.#lines.end();
  }

  #failure(what: string): ForewarmError {
    return new ForewarmError('POLICY_FAILED', `--policy exec:${this.#definition.command}: ${what}`);
  }
}

/** The shell and what it started; one that is gone already is no failure. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && err.code === 'ESRCH')) throw err;
  }
}
