import { amount, count, percent } from './format.ts';
import type { SimResult } from '../result.ts';

/** One run in a line. */
export function figuresOf(result: SimResult): string {
  const { seed, coldStartSeconds, iterationFactor = 1 } = result;
  const made = [
    `Seed ${seed}`,
    ...(coldStartSeconds === undefined ? [] : [`cold start ${coldStartSeconds} s`]),
    ...(iterationFactor === 1 ? [] : [`iterations x ${iterationFactor}`]),
  ];
  return [
    `${percent(result.attainment)} attained, ${amount(result.gpuHours)} GPU-hours`,
    `${count(result.replicaChanges)} changes of replicas, peak ${result.peakReplicas}`,
    `${count(result.coldStarts)} cold and ${count(result.warmStarts)} warm starts`,
    `${count(result.lost)} lost, ${count(result.shed)} shed. ${made.join(', ')}.`,
  ].join(', ');
}
