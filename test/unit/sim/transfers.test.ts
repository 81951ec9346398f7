import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda, priorities } from '../../../src/sim/agenda.ts';
import { Link, Transfers } from '../../../src/sim/transfers.ts';

interface Given {
  readonly atMs: number;
  readonly workMs: number;
  readonly links: readonly Link[];
}

/** When each is done. */
function play(given: readonly Given[]): readonly number[] {
  const agenda = new Agenda();
  const transfers = new Transfers(agenda);
  const ends = given.map(() => Number.NaN);
  for (const [i, { atMs, workMs, links }] of given.entries()) {
    agenda.schedule(atMs, priorities.lifecycle, () => {
      transfers.begin(workMs, links, (at) => {
        ends[i] = at;
      });
    });
  }
  while (agenda.step());
  return ends;
}

describe('transfers', () => {
  it('go at full speed while the link has a stream for each', () => {
    const link = new Link(2);
    const ends = play([
      { atMs: 0, workMs: 100, links: [link] },
      { atMs: 10, workMs: 100, links: [link] },
    ]);
    expect(ends).toStrictEqual([100, 110]);
  });

  it('share a link, and speed up when one ends', () => {
    const link = new Link(1);
    const ends = play([
      { atMs: 0, workMs: 100, links: [link] },
      { atMs: 50, workMs: 100, links: [link] },
    ]);
    // 50 alone, 100 at half speed each; then the second has 50 left alone.
    expect(ends).toStrictEqual([150, 200]);
  });

  it('go at the pace of their slowest link', () => {
    const wide = new Link(10);
    const narrow = new Link(0.5);
    expect(play([{ atMs: 0, workMs: 100, links: [wide, narrow] }])).toStrictEqual([200]);
  });

  it('leave their share to the others when they are cancelled', () => {
    const agenda = new Agenda();
    const transfers = new Transfers(agenda);
    const link = new Link(1);
    const ends: string[] = [];
    transfers.begin(100, [link], (at) => ends.push(`a ${at}`));
    const cancel = transfers.begin(100, [link], (at) => ends.push(`b ${at}`));
    agenda.schedule(100, priorities.lifecycle, () => cancel());
    while (agenda.step());
    expect(ends).toStrictEqual(['a 150']);
    expect(link.active).toBe(0);
  });

  it('keep a saturated link busy to the end: the last is done when all the work is', () => {
    const jobs = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(jobs, (works) => {
        const link = new Link(1);
        const ends = play(works.map((workMs) => ({ atMs: 0, workMs, links: [link] })));
        expect(Math.max(...ends)).toBeCloseTo(
          works.reduce((sum, work) => sum + work, 0),
          6,
        );
        for (const [i, end] of ends.entries()) expect(end).toBeGreaterThanOrEqual((works[i] ?? 0) - 1e-9);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});
