import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Score } from '../../../bench/decisions/runs.ts';
import { ScoreFile } from '../../../bench/decisions/store.ts';
import type { NamedPolicy } from '../../../src/cli/simulation-input.ts';

const policy: NamedPolicy = { label: 'oracle', definition: { kind: 'Oracle', knows: 'Arrivals' } };
const score: Score = {
  workload: 's1',
  coldStartSeconds: 110,
  seed: 1,
  iterationFactor: 1,
  policy: 'oracle',
  requests: 1000,
  misses: 0.01,
  lostOnScaleDown: 0,
  gpuHours: 3.5,
  oneReplica: 0.5,
  turnsInWindow: 1,
};
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scores.'));
  path = join(folder, 'scores.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('finished scores are found again, by cell and by what the policy was set to', () => {
  new ScoreFile(path).add(score, policy);
  const again = new ScoreFile(path);
  expect(again.find(score, policy)).toStrictEqual(score);
  expect(again.find({ ...score, seed: 2 }, policy)).toBeUndefined();
  const other: NamedPolicy = { ...policy, definition: { kind: 'Oracle', knows: 'TrueSize' } };
  expect(again.find(score, other)).toBeUndefined();
});

test('a last line that was cut off is taken away, one that is no score is refused with its number', () => {
  new ScoreFile(path).add(score, policy);
  appendFileSync(path, '{"key":"cut');
  expect(new ScoreFile(path).find(score, policy)).toStrictEqual(score);
  expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
  appendFileSync(path, 'hello\n');
  expect(() => new ScoreFile(path)).toThrow('line 2: must be a score, was hello');
});
