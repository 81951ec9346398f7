import type { BandOutcome, Outcome } from './pareto.ts';
import { paretoSvg } from './pareto-svg.ts';
import { meanRows, policyRows, type SummaryRow } from './summary.ts';
import { type SweepLine, sweepSvg } from './sweep-svg.ts';
import type { LoadVerdict } from './verdict.ts';
import type { SimResult } from '../result.ts';

type Scored = SummaryRow & { readonly attainment: number };

/** Figures that set policies side by side: attainment against cost at each cold start, and over the cold starts where there are several. */
export function comparison(results: readonly SimResult[], verdict: LoadVerdict): string {
  const rows = policyRows(results).filter(isScored);
  if (rows.length === 0) return '<p class="empty">No request arrived, so there is nothing to compare.</p>';
  const means = meanRows(results).filter(isScored);
  const starts = [...new Set(rows.map(({ coldStartSeconds }) => coldStartSeconds))];
  const fronts = starts.map((start) => frontFigure(start, starts.length > 1, { rows, means, verdict }));
  return [...(starts.length > 1 ? [sweepFigure(rows)] : []), ...fronts].join('\n');
}

function isScored(row: SummaryRow): row is Scored {
  return row.attainment !== null;
}

interface Compared {
  readonly rows: readonly Scored[];
  /** One row a factor of the band. */
  readonly means: readonly Scored[];
  readonly verdict: LoadVerdict;
}

function frontFigure(start: number | undefined, isSweep: boolean, { rows, means, verdict }: Compared): string {
  const own = rows.filter(({ coldStartSeconds }) => coldStartSeconds === start);
  const outcomes = own.map((row): Outcome => {
    const { policy, attainment, gpuHours, isRealisable } = row;
    const bound = isRealisable === undefined ? {} : { isRealisable };
    return { policy, attainment, gpuHours, band: bandOf(row, means), ...bound };
  });
  const title = isSweep ? `Cold start ${start ?? '-'} s. ` : '';
  const name = isSweep ? `Attainment against GPU-hours, cold start ${start ?? '-'} s` : 'Attainment against GPU-hours';
  return figure(name, paretoSvg(outcomes, verdict.isInformative), `${title}${caption(outcomes, verdict)}`);
}

function bandOf({ policy, coldStartSeconds }: Scored, means: readonly Scored[]): readonly BandOutcome[] {
  return means
    .filter((mean) => mean.policy === policy && mean.coldStartSeconds === coldStartSeconds)
    .map(({ iterationFactor = 1, attainment, gpuHours }) => ({ iterationFactor, attainment, gpuHours }))
    .toSorted((a, b) => a.iterationFactor - b.iterationFactor);
}

function caption(outcomes: readonly Outcome[], verdict: LoadVerdict): string {
  if (!verdict.isInformative) return 'Greyed: this load cannot separate policies.';
  return [
    'Share of requests inside every objective against cost. Up and to the left is better; the line joins the policies that none beats in both. Each step upwards is a tenth of the misses.',
    ...(outcomes.some(({ band = [] }) => band.length > 1)
      ? ['Small dots: the same policy over the band of iteration times.']
      : []),
    ...(outcomes.some(({ isRealisable }) => isRealisable === false)
      ? ['Diamonds are oracles: nobody can build them.']
      : []),
  ].join(' ');
}

function sweepFigure(rows: readonly Scored[]): string {
  const policies = [...new Set(rows.map(({ policy }) => policy))];
  const lines = policies.map((policy): SweepLine => {
    const points = rows
      .filter((row) => row.policy === policy)
      .map(({ coldStartSeconds = 0, attainment, gpuHours }) => ({ coldStartSeconds, attainment, gpuHours }))
      .toSorted((a, b) => a.coldStartSeconds - b.coldStartSeconds);
    return { policy, points };
  });
  return figure(
    'Attainment and GPU-hours by cold start',
    sweepSvg(lines),
    'What a longer cold start costs each policy, in requests that miss and in GPU-hours.',
  );
}

function figure(name: string, svg: string, text: string): string {
  return `<figure><div class="scroll" tabindex="0" role="region" aria-label="${name}">${svg}</div><figcaption>${text}</figcaption></figure>`;
}
