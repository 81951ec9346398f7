import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ForewarmError } from '../errors.ts';
import type { ForecastPoint } from '../sim/report/downsample.ts';
import { embedJson } from '../sim/report/html.ts';
import { type PageInput, reportPage } from '../sim/report/page.ts';
import { plotData } from '../sim/report/plot-data.ts';
import { shownRuns } from '../sim/report/shown-runs.ts';
import type { SimResult } from '../sim/result.ts';
import type { PageData } from '../ui/page-data.ts';
import { readAssets } from './report-assets.ts';

/** What each run's policy expected at its looks. */
export type Forecasts = ReadonlyMap<SimResult, readonly ForecastPoint[]>;

/** Writes the report and answers its full path. */
export function writeReport(path: string, input: Omit<PageInput, 'shown'>, forecasts: Forecasts): string {
  const shown = shownRuns(input.output.results);
  const data: PageData = plotData(shown, input.objectives, (result) => forecasts.get(result) ?? []);
  const html = reportPage({ ...input, shown }, readAssets(), embedJson(data));
  const target = resolve(path);
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, html);
  } catch (err) {
    throw new ForewarmError('FILE_UNREADABLE', `writing the report to ${target}`, { cause: err });
  }
  return target;
}
