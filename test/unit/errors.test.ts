import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue, explainError, ForewarmError } from '../../src/errors.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

test('docs/errors.md lists each code of the catalogue, in its order, and no other', () => {
  const rows = [...docs.matchAll(/^\| `(\w+)` \| (yes|no) \| (.+) \|$/gm)].map((match) => match.slice(1));
  const want = Object.entries(catalogue).map(([code, entry]) => [code, entry.retryable ? 'yes' : 'no', entry.help]);
  expect(rows).toStrictEqual(want);
});

test('an error is explained by its chain of causes, outermost first', () => {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:9090');
  const error = new ForewarmError('QUERY_FAILED', 'asking Prometheus at http://127.0.0.1:9090', { cause });
  expect(explainError(error)).toBe('asking Prometheus at http://127.0.0.1:9090: connect ECONNREFUSED 127.0.0.1:9090');
  expect(error.retryable).toBe(true);
  const wrapped = new Error('connect ECONNREFUSED 127.0.0.1:9090', { cause });
  expect(explainError(wrapped)).toBe('connect ECONNREFUSED 127.0.0.1:9090');
});
