import type { DecisionPoint, ReplicaPoint, SimResult, Timeline } from '../../src/sim/result.ts';

const none: ReplicaPoint = { scheduling: 0, unschedulable: 0, image: 0, weights: 0, engine: 0, ready: 0, draining: 0 };

/** A day with a wave, a crowd at noon and replicas that follow late: made by hand, for the look of reports. */
export function dayTimeline(stepSeconds = 30): Timeline {
  const t = Array.from({ length: 86_400 / stepSeconds }, (_, at) => (at + 1) * stepSeconds);
  const crowd = (at: number): number => (at > 43_200 && at < 45_000 ? 14 : 0);
  const arrivalRate = t.map((at) => 6 - 4 * Math.cos((at / 86_400) * 2 * Math.PI) + crowd(at) + Math.sin(at) * 0.8);
  const spec = t.map((at) => Math.ceil(1 + (6 - 4 * Math.cos((at / 86_400) * 2 * Math.PI) + crowd(at - 60)) / 2));
  const replicas = t.map((at, point) => {
    const ready = spec[Math.max(0, point - 6)] ?? 1;
    const wanted = spec[point] ?? 1;
    const starting = Math.max(0, wanted - ready);
    return {
      ...none,
      ready: Math.min(ready, wanted),
      draining: Math.max(0, ready - wanted),
      ...startingPhase(at, starting),
    };
  });
  const pressed = t.map((at) => (at > 43_200 && at < 43_500 ? 1 : 0));
  return {
    t,
    replicas,
    spec,
    arrivalRate,
    queued: pressed.map((one, point) => (one === 1 ? 300 : Math.round(2 + 2 * Math.sin(point)))),
    running: arrivalRate.map((rate) => Math.round(rate * 8)),
    kvUse: pressed.map((one, point) => (one === 1 ? 0.97 : 0.4 + 0.2 * Math.sin(point / 300))),
    ttftP95: pressed.map((one, point) => (one === 1 ? 22 : 0.2 + 0.05 * Math.sin(point))),
    itlP95: pressed.map((one, point) => (one === 1 ? 0.08 : 0.02 + 0.004 * Math.sin(point / 9))),
  };
}

function startingPhase(at: number, count: number): Partial<ReplicaPoint> {
  const names = ['scheduling', 'image', 'weights', 'engine'] as const;
  return { [names[Math.floor(at / 30) % 4] ?? 'engine']: count };
}

export function decisionsOf({ t, spec }: Timeline): readonly DecisionPoint[] {
  return t.flatMap((at, point) => {
    const [from, to] = [spec[point - 1] ?? spec[point] ?? 1, spec[point] ?? 1];
    const because =
      to > from
        ? `ForecastRaises: 90 s ahead ${to * 2} req/s are expected at most, <b>not</b> less`
        : 'DemandMet: survivors stay under 80 %';
    return from === to ? [] : [{ t: at, from, to, because }];
  });
}

export function simResult(over: Partial<SimResult> = {}): SimResult {
  const timeline = over.timeline ?? dayTimeline();
  return {
    policy: 'balanced',
    seed: 1,
    durationSeconds: 86_400,
    arrivals: 518_400,
    completed: 518_380,
    shed: 15,
    lost: 5,
    lostOnScaleDown: 0,
    attainment: 0.99612,
    ttft: { p50: 0.0834, p95: 0.312, p99: 1.24, mean: 0.11 },
    itl: { p50: 0.0162, p95: 0.0243, p99: 0.0418, mean: 0.017 },
    e2e: { p50: 4.2, p95: 9.9, p99: 14.1, mean: 4.8 },
    gpuHours: 132.4,
    gpuHoursBy: { image: 1.2, weights: 0.9, engine: 2.1, idle: 40.1, busy: 87.1, draining: 1 },
    replicaChanges: 42,
    directionChanges: 3,
    peakReplicas: 13,
    coldStarts: 4,
    warmStarts: 27,
    preemptions: 0,
    timeline,
    decisions: decisionsOf(timeline),
    ...over,
  };
}

export const emptyTimeline: Timeline = {
  t: [],
  replicas: [],
  spec: [],
  queued: [],
  running: [],
  kvUse: [],
  arrivalRate: [],
  ttftP95: [],
  itlP95: [],
};
