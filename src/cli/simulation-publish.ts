import { busiestWindow, peakNeed } from '../sim/report/load-need.ts';
import { type Flip, flipsOf } from '../sim/report/ranking.ts';
import { resultNotes } from '../sim/report/result-notes.ts';
import { meanRows } from '../sim/report/summary.ts';
import { summaryTable } from '../sim/report/text-table.ts';
import { type LoadVerdict, loadVerdict } from '../sim/report/verdict.ts';
import type { SimResult, SimulationOutput } from '../sim/result.ts';
import { type Scenario, scenarioOf, type ScenarioOptions } from '../sim/scenario.ts';
import { type OutputFormat, serialised } from './output.ts';
import { writeReport } from './report-file.ts';
import type { Load, LoadFlags } from './simulation-input.ts';
import type { SimRun } from './simulation-job.ts';

/** How results are shown. */
export interface PublishFlags extends LoadFlags {
  /** A path; false: `--no-report`; absent: the default of the format. */
  readonly report?: string | false;
  readonly output: OutputFormat;
  readonly timelines: boolean;
}

export interface Published {
  readonly flags: PublishFlags;
  readonly runs: readonly SimRun[];
  readonly load: Load | undefined;
  readonly scenario: ScenarioOptions | undefined;
}

/** Writes the table or the document to stdout, and the report. */
export function publish({ flags, runs, load, scenario: options }: Published): void {
  if (load === undefined || options === undefined || runs.length === 0) return;
  const scenario = scenarioOf(options);
  const results = runs.map(({ result }) => result);
  const verdict = verdictOf(load, scenario, flags.timeScale);
  const output: SimulationOutput = {
    schema: 'forewarm.dev/simulation/v1',
    trace: flags.trace ?? load.name,
    engineProfile: scenario.profile.name,
    isProfileValidated: scenario.profile.isValidated,
    rateScale: flags.rateScale,
    ranking: {
      isInformative: verdict.isInformative,
      ...(verdict.message === undefined ? {} : { message: verdict.message }),
      ...flipsIn(results),
    },
    failedRows: load.workload.failedRows ?? 0,
    results,
  };
  const notes = [...notesOf(load, scenario), ...resultNotes(results)];
  process.stdout.write(
    flags.output === 'table' ? tableOf(output, verdict, notes) : serialised(output, flags.output, flags.timelines),
  );
  const path = reportPath(flags);
  if (path === undefined) return;
  const { ttftMs, itlMs } = scenario.objectives;
  const objectives = { ttftSeconds: ttftMs / 1000, itlSeconds: itlMs / 1000 };
  const forecasts = new Map(runs.map((one) => [one.result, one.forecasts]));
  process.stderr.write(`Report: ${writeReport(path, { output, objectives, verdict, notes }, forecasts)}\n`);
}

function flipsIn(results: readonly SimResult[]): { readonly flips?: readonly Flip[] } {
  return isBand(results) ? { flips: flipsOf(meanRows(results)) } : {};
}

function isBand(results: readonly SimResult[]): boolean {
  return results.some(({ iterationFactor = 1 }) => iterationFactor !== 1);
}

function verdictOf({ whole }: Load, scenario: Scenario, timeScale: number): LoadVerdict {
  const { workload, profile, objectives, minReplicas } = scenario;
  /** Of the source's own time, as in --slice. */
  const durationSeconds = workload.durationSeconds / timeScale;
  const need = { peakNeed: peakNeed(workload, profile, objectives), minReplicas, durationSeconds };
  return loadVerdict(whole === undefined ? need : { ...need, busiest: busiestWindow(whole, durationSeconds) });
}

function notesOf({ workload, notes }: Load, { profile }: Scenario): readonly string[] {
  const failed = workload.failedRows ?? 0;
  const rows = workload.fileRows ?? failed + workload.arrivalMs.length;
  const share = `${((failed / rows) * 100).toFixed(1)}%`;
  return [
    ...notes,
    ...(failed === 0
      ? []
      : [`${failed} rows of the file (${share}) generated no tokens: counted as failures there, not simulated.`]),
    ...(profile.isValidated
      ? []
      : [`The engine profile ${profile.name} was not checked against measured runs: ${profile.validity}.`]),
  ];
}

function tableOf(output: SimulationOutput, verdict: LoadVerdict, notes: readonly string[]): string {
  const head = [...(verdict.message === undefined ? [] : [verdict.message]), ...notes];
  return `${head.map((line) => `${line}\n`).join('')}${summaryTable(output.results)}\n`;
}

function reportPath({ report, output }: PublishFlags): string | undefined {
  if (report === false) return undefined;
  return report ?? (output === 'table' ? 'forewarm-report.html' : undefined);
}
