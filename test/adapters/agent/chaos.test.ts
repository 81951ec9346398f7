import { expect, test } from 'vitest';
import { killAgain } from '../../support/agent-chaos.ts';

for (const seed of [1, 2]) {
  test(`an agent that is killed never shows what is not whole, and gets there in the end (seed ${seed}, 6 kills)`, async () => {
    const report = await killAgain(seed, 6);
    expect(report).toMatchObject({ corrupt: [], unfinished: [] });
    expect(report.midway).toBeGreaterThan(1);
    expect(report.looks).toBeGreaterThan(report.kills);
  });
}
