import { gpuUses } from '../sim/gpu-time.ts';
import type { LatencySummary, SimResult } from '../sim/result.ts';

type Cell = string | number | boolean | null | undefined;
type Read = (result: SimResult) => Cell;

const quantiles = ['p50', 'p95', 'p99', 'mean'] as const;

/** Columns are the fields of the JSON by their paths; one row a run. */
const columns: readonly (readonly [string, Read])[] = [
  ['policy', ({ policy }) => policy],
  ['seed', ({ seed }) => seed],
  ['coldStartSeconds', ({ coldStartSeconds }) => coldStartSeconds],
  ['iterationFactor', ({ iterationFactor }) => iterationFactor],
  ['durationSeconds', ({ durationSeconds }) => durationSeconds],
  ['arrivals', ({ arrivals }) => arrivals],
  ['completed', ({ completed }) => completed],
  ['shed', ({ shed }) => shed],
  ['lost', ({ lost }) => lost],
  ['lostOnScaleDown', ({ lostOnScaleDown }) => lostOnScaleDown],
  ['attainment', ({ attainment }) => attainment],
  ...latency('ttft', ({ ttft }) => ttft),
  ...latency('itl', ({ itl }) => itl),
  ...latency('e2e', ({ e2e }) => e2e),
  ['gpuHours', ({ gpuHours }) => gpuHours],
  ...gpuUses.map((use): readonly [string, Read] => [`gpuHoursBy.${use}`, ({ gpuHoursBy }) => gpuHoursBy[use]]),
  ['replicaChanges', ({ replicaChanges }) => replicaChanges],
  ['directionChanges', ({ directionChanges }) => directionChanges],
  ['peakReplicas', ({ peakReplicas }) => peakReplicas],
  ['coldStarts', ({ coldStarts }) => coldStarts],
  ['warmStarts', ({ warmStarts }) => warmStarts],
  ['preemptions', ({ preemptions }) => preemptions],
  ['isRealisable', ({ isRealisable = true }) => isRealisable],
  ['isValidated', ({ isValidated = true }) => isValidated],
  ['leastGpuHours', ({ leastGpuHours }) => leastGpuHours],
];

function latency(
  name: string,
  read: (result: SimResult) => LatencySummary | null,
): readonly (readonly [string, Read])[] {
  return quantiles.map((quantile) => [`${name}.${quantile}`, (result) => read(result)?.[quantile]]);
}

/** RFC 4180, with line feeds. What does not exist is empty, never 0. */
export function csvOf(results: readonly SimResult[]): string {
  const rows = [
    columns.map(([name]) => name),
    ...results.map((result) => columns.map(([, read]) => cell(read(result)))),
  ];
  return rows.map((row) => `${row.join(',')}\n`).join('');
}

function cell(value: Cell): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
