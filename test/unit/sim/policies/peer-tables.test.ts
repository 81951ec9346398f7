import { describe, expect, test } from 'vitest';
import { peerTables } from '../../../support/peer-tables/index.ts';

for (const { peer, what, cases } of peerTables) {
  describe(`${peer}: ${what}`, () => {
    for (const [name, { want, ours }] of Object.entries(cases)) {
      test(`${name}`, async () => expect(await ours()).toStrictEqual(want));
    }
  });
}

test('no sentence is said of two cases of one table, and none is empty', () => {
  const sizes = peerTables.map(({ cases }) => Object.keys(cases).length);
  expect(Math.min(...sizes)).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(150);
});
