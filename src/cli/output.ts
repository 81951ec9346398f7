import { dump } from 'js-yaml';
import type { SimResult, SimulationOutput } from '../sim/result.ts';
import { csvOf } from './results-csv.ts';

export type OutputFormat = 'table' | 'json' | 'yaml' | 'csv';

/** What machines read: docs/simulate-output.md. Timelines and decisions are most of the bytes and stay out unless asked for. */
export function serialised(
  output: SimulationOutput,
  format: Exclude<OutputFormat, 'table'>,
  withTimelines: boolean,
): string {
  if (format === 'csv') return csvOf(output.results);
  const shown = {
    ...output,
    results: output.results.map((result) => (withTimelines ? result : withoutTimeline(result))),
  };
  return format === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : dump(shown);
}

function withoutTimeline(result: SimResult): Omit<SimResult, 'timeline' | 'decisions'> {
  const { timeline: _, decisions: __, ...rest } = result;
  return rest;
}
