import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('docs/reasons.md has a line for every reason, and for no other', () => {
  const code = readFileSync(join(root, 'src/core/model/reason.ts'), 'utf8');
  const page = readFileSync(join(root, 'docs/reasons.md'), 'utf8');
  const known = [...code.matchAll(/^ {2}\| '([A-Za-z]+)'/gm)].map(([, reason]) => reason);
  const explained = [...page.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, reason]) => reason);
  expect(known.length).toBeGreaterThan(20);
  expect(explained.toSorted()).toStrictEqual(known.toSorted());
});
