import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ForewarmError } from '../errors.ts';
import { embedJson } from '../sim/report/html.ts';
import { type PageInput, reportPage, shownResults } from '../sim/report/page.ts';
import { plotData } from '../sim/report/plot-data.ts';
import type { PageData } from '../ui/page-data.ts';
import { readAssets } from './report-assets.ts';

/** Writes the report and answers its full path. */
export function writeReport(path: string, input: PageInput): string {
  const data: PageData = plotData(shownResults(input.output.results), input.objectives);
  const html = reportPage(input, readAssets(), embedJson(data));
  const target = resolve(path);
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, html);
  } catch (err) {
    throw new ForewarmError('FILE_UNREADABLE', `writing the report to ${target}`, { cause: err });
  }
  return target;
}
