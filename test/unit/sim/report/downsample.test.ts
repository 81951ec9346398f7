import fc from 'fast-check';
import { expect, test } from 'vitest';
import { downsample } from '../../../../src/sim/report/downsample.ts';
import { paretoFront } from '../../../../src/sim/report/pareto.ts';
import { dayTimeline, emptyTimeline } from '../../../support/sim-results.ts';

test('thinning keeps the highest queue and latency of what a point covers', () => {
  const day = dayTimeline(30);
  const spike = { ...day, queued: day.queued.map((value, at) => (at === 1001 ? 9999 : value)) };
  const thin = downsample(spike, [], 100);
  expect(thin.t).toHaveLength(100);
  expect(thin.queued.filter((value) => value === 9999)).toHaveLength(1);
  expect(Math.max(...thin.ttftP95.map((value) => value ?? 0))).toBe(22);
});

test('thinning draws only states that were', () => {
  const day = dayTimeline(30);
  const thin = downsample(day, [], 97);
  const states = new Set(day.replicas.map((point) => `${point.ready} ${point.draining} ${point.engine}`));
  const drawn = thin.t.map((_, at) => `${thin.replicas[0]?.[at]} ${thin.replicas[1]?.[at]} ${thin.replicas[2]?.[at]}`);
  expect(drawn.filter((state) => !states.has(state))).toStrictEqual([]);
});

test('a step in which nothing was answered stays empty', () => {
  const day = dayTimeline(30);
  expect(new Set(downsample({ ...day, ttftP95: day.ttftP95.map(() => null) }, [], 50).ttftP95)).toStrictEqual(
    new Set([null]),
  );
});

test('a forecast is drawn at the time that it was made for, and not for ever', () => {
  const forecast = { t: 600, horizonSeconds: 120, level: 3, upper: 5 };
  const { t, forecastUpper } = downsample(dayTimeline(30), [forecast], 2880);
  const drawn = t.filter((_, at) => forecastUpper[at] === 5);
  expect([drawn[0], drawn.at(-1)]).toStrictEqual([720, 720 + 900]);
});

test('an empty timeline stays empty', () => {
  expect(downsample(emptyTimeline, [], 100).t).toStrictEqual([]);
});

test('nobody on the front is beaten, and everybody else is', () => {
  const outcome = fc.record({
    policy: fc.string(),
    attainment: fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
    gpuHours: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1, maxLength: 12 }), (all) => {
      const front = paretoFront(all);
      const beats = (a: (typeof all)[number], b: (typeof all)[number]): boolean =>
        a.attainment >= b.attainment &&
        a.gpuHours <= b.gpuHours &&
        (a.attainment > b.attainment || a.gpuHours < b.gpuHours);
      const wrong = all.filter((one) => front.includes(one) === front.some((other) => beats(other, one)));
      expect(wrong).toStrictEqual([]);
    }),
    { seed: 7, numRuns: 1000 },
  );
});
