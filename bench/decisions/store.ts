import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';
import { wholeLines } from '../../src/cli/simulation-runs.ts';
import type { Score } from './runs.ts';

type CellOf = Pick<Score, 'workload' | 'coldStartSeconds' | 'seed' | 'iterationFactor'>;

interface Line {
  /** Of the cell and of the policy with its settings. The program itself is not part of it. */
  readonly key: string;
  readonly score: Score;
}

/** Scores in a file, one JSON object a line: what was finished before is not made again. */
export class ScoreFile {
  readonly #path: string;
  readonly #known = new Map<string, Score>();

  constructor(path: string) {
    this.#path = path;
    for (const [at, text] of wholeLines(path).entries()) {
      const line = parsed(text);
      if (line === undefined) throw new TypeError(`${path}, line ${at + 1}: must be a score, was ${text.slice(0, 80)}`);
      this.#known.set(line.key, line.score);
    }
  }

  find(cell: CellOf, policy: NamedPolicy): Score | undefined {
    return this.#known.get(keyOf(cell, policy));
  }

  add(score: Score, policy: NamedPolicy): void {
    const line: Line = { key: keyOf(score, policy), score };
    this.#known.set(line.key, score);
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}

function keyOf(
  { workload, coldStartSeconds, seed, iterationFactor }: CellOf,
  { label, definition }: NamedPolicy,
): string {
  const parts = [workload, coldStartSeconds, seed, iterationFactor, label, definition];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function parsed(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Line;
    return typeof line.key === 'string' && typeof line.score.gpuHours === 'number' ? line : undefined;
  } catch {
    return undefined;
  }
}
