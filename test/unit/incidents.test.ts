import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/incidents.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.split(' | '));

/** Files and titles of a cell, in order: each title belongs to the file before it. */
function namedIn(cell: string): readonly { readonly file: string; readonly title: string }[] {
  let file = '';
  return [...cell.matchAll(/`([^`]+)`|\*([^*]+)\*/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ file, title }];
  });
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
}

test('every incident has its test', () => {
  expect(rows.map(([first]) => Number(first?.slice(2)))).toStrictEqual(Array.from({ length: 14 }, (_, i) => i + 1));
  for (const cells of rows) {
    const named = namedIn(cells.at(-1) ?? '');
    expect(named).not.toStrictEqual([]);
    const lost = named.filter(({ file, title }) => !textOf(file).includes(title));
    expect(lost).toStrictEqual([]);
  }
});
