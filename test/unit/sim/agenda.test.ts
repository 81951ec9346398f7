import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda, priorities } from '../../../src/sim/agenda.ts';
import { RandomStream } from '../../../src/sim/rng.ts';

describe('Agenda', () => {
  it('takes events by time, then priority, then order of scheduling, and never goes back', () => {
    const events = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 20 }), priority: fc.constantFrom(...Object.values(priorities)) }),
    );
    fc.assert(
      fc.property(events, (list) => {
        const agenda = new Agenda();
        const taken: number[] = [];
        list.forEach(({ at, priority }, i) => agenda.schedule(at, priority, () => taken.push(i)));
        while (agenda.step());
        const want = list
          .map((event, i) => ({ ...event, i }))
          .toSorted((a, b) => a.at - b.at || a.priority - b.priority || a.i - b.i)
          .map(({ i }) => i);
        expect(taken).toStrictEqual(want);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it('refuses an event in the past and skips a cancelled one without letting time pass', () => {
    const agenda = new Agenda();
    agenda.schedule(10, priorities.policy, () => undefined);
    const cancel = agenda.schedule(20, priorities.policy, () => undefined);
    cancel();
    expect(agenda.step()).toBe(true);
    expect(agenda.step()).toBe(false);
    expect(agenda.now).toBe(10);
    expect(() => agenda.schedule(9, priorities.policy, () => undefined)).toThrow('must not be earlier than 10, was 9');
    expect(() => agenda.moveTo(9)).toThrow('must not go back from 10, was 9');
  });
});

describe('RandomStream', () => {
  const draws = (seed: number, name: string): readonly number[] => {
    const stream = new RandomStream(seed, name);
    return Array.from({ length: 5 }, () => stream.uniform());
  };

  it('repeats itself for the same seed and name only', () => {
    expect(draws(1, 'a')).toStrictEqual(draws(1, 'a'));
    expect(draws(1, 'a')).not.toStrictEqual(draws(1, 'b'));
    expect(draws(1, 'a')).not.toStrictEqual(draws(2, 'a'));
  });

  it('has the moments of its distributions', () => {
    const stream = new RandomStream(9, 'moments');
    const mean = (draw: () => number): number => {
      let sum = 0;
      for (let i = 0; i < 200_000; i++) sum += draw();
      return sum / 200_000;
    };
    expect(mean(() => stream.uniform())).toBeCloseTo(0.5, 2);
    expect(mean(() => stream.exponential(3))).toBeCloseTo(3, 1);
    expect(mean(() => stream.normal())).toBeCloseTo(0, 1);
    expect(mean(() => stream.normal() ** 2)).toBeCloseTo(1, 1);
    expect(mean(() => Math.log(stream.lognormal(20, 0.5)))).toBeCloseTo(Math.log(20), 2);
  });
});
