import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Score } from './runs.ts';

/** Scores in a file, one JSON object a line: what was finished before is not made again. */
export class ScoreFile {
  readonly #path: string;
  readonly #known = new Map<string, Score>();

  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    const text = readFileSync(path, 'utf8');
    for (const [at, line] of text.split('\n').entries()) {
      if (line === '') continue;
      const score = parsed(line);
      if (score === undefined)
        throw new TypeError(`${path}, line ${at + 1}: must be a score, was ${line.slice(0, 80)}`);
      this.#known.set(keyOf(score), score);
    }
  }

  find(
    wanted: Pick<Score, 'workload' | 'coldStartSeconds' | 'seed' | 'iterationFactor' | 'policy'>,
  ): Score | undefined {
    return this.#known.get(keyOf(wanted));
  }

  add(score: Score): void {
    this.#known.set(keyOf(score), score);
    appendFileSync(this.#path, `${JSON.stringify(score)}\n`);
  }
}

function keyOf({
  workload,
  coldStartSeconds,
  seed,
  iterationFactor,
  policy,
}: Pick<Score, 'workload' | 'coldStartSeconds' | 'seed' | 'iterationFactor' | 'policy'>): string {
  return [workload, coldStartSeconds, seed, iterationFactor, policy].join('\t');
}

function parsed(line: string): Score | undefined {
  try {
    const value = JSON.parse(line) as Score;
    return typeof value.policy === 'string' && typeof value.gpuHours === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
