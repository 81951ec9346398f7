import { expect, test } from 'vitest';
import { ramps } from '../../../support/peer-tables/ramps.ts';

test('AIBrix APA overshoots to its maximum, the others by nothing or one', async () => {
  const most: Record<string, number> = {};
  for (const [name, { ramp }] of Object.entries(ramps)) most[name] = Math.max(...(await ramp()).sizes);
  const over = Object.entries(most).filter(([, size]) => size > 9);
  expect(over).toStrictEqual([['AIBrix APA before its guard: doubles each ten seconds, to the maximum', 16]]);
});
