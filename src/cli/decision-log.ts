import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FleetMemory } from '../core/model/memory.ts';
import { headerLine, passLine } from '../core/replay.ts';
import type { TickInput, TickOutput } from '../core/tick.ts';
import { ForewarmError } from '../errors.ts';
import { version } from './version.ts';

/** Lines are kept back until there are about so many bytes of them. */
const chunkBytes = 1_000_000;

/** Writes the decision log of one run, which `forewarm replay` reads: gzipped where the name ends in `.gz`. An older file is replaced. */
export class DecisionLog {
  readonly path: string;
  readonly #file: number;
  #lines: string[] = [];
  #bytes = 0;
  #carried: FleetMemory | undefined;

  constructor(path: string) {
    this.path = resolve(path);
    this.#file = this.#trying(() => {
      mkdirSync(dirname(this.path), { recursive: true });
      return openSync(this.path, 'w');
    });
  }

  /** One pass; `before` is the memory that it began with: written where it is not the one that the pass before ended with. */
  record(input: TickInput, output: TickOutput, before: FleetMemory): void {
    if (before !== this.#carried) this.#add(headerLine(before, version));
    this.#carried = output.memory;
    this.#add(passLine(input, output));
    if (this.#bytes >= chunkBytes) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #add(line: string): void {
    this.#lines.push(line, '\n');
    this.#bytes += line.length + 1;
  }

  #flush(): void {
    if (this.#bytes === 0) return;
    const text = Buffer.from(this.#lines.join(''));
    const chunk = this.path.endsWith('.gz') ? gzipSync(text) : text;
    this.#trying(() => writeAll(this.#file, chunk));
    this.#lines = [];
    this.#bytes = 0;
  }

  #trying<T>(act: () => T): T {
    try {
      return act();
    } catch (err) {
      throw new ForewarmError('FILE_UNREADABLE', `writing the decision log ${this.path}`, { cause: err });
    }
  }
}

/** A write may take a part only. */
function writeAll(file: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
}
