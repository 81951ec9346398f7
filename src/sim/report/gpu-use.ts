import type { GpuUse } from '../gpu-time.ts';
import { policyName } from './columns.ts';
import { amount } from './format.ts';
import { escapeHtml, tableRow } from './html.ts';
import type { SummaryRow } from './summary.ts';

/** As a replica lives. */
const uses: readonly (readonly [use: GpuUse, head: string])[] = [
  ['image', 'Image'],
  ['weights', 'Weights'],
  ['engine', 'Engine start'],
  ['busy', 'Ready, busy'],
  ['idle', 'Ready, idle'],
  ['draining', 'Draining'],
];

/** Where the GPU-hours of each policy went: a bar in shares of the dearest, and the figures. */
export function gpuUseTable(rows: readonly SummaryRow[]): string {
  const most = Math.max(...rows.map(({ gpuHours }) => gpuHours));
  if (!(most > 0)) return '';
  const isSweep = new Set(rows.map(({ coldStartSeconds }) => coldStartSeconds)).size > 1;
  const starts = isSweep ? '<th scope="col">Cold start</th>' : '';
  const head = `<tr><th scope="col">Policy</th>${starts}<th scope="col">GPU-hours</th>${uses.map(([use, name]) => `<th scope="col"><i class="swatch ${use}"></i>${name}</th>`).join('')}</tr>`;
  const body = rows.map((row) =>
    tableRow([
      { html: escapeHtml(policyName(row)) },
      ...(isSweep ? [{ html: `${row.coldStartSeconds ?? '-'}s`, isNumber: true }] : []),
      { html: bar(row, most) },
      ...uses.map(([use]) => ({ html: amount(row.gpuHoursBy[use]), isNumber: true })),
    ]),
  );
  return `<figure><div class="scroll" tabindex="0" role="region" aria-label="GPU-hours by use"><table class="uses"><thead>${head}</thead><tbody>${body.join('\n')}</tbody></table></div><figcaption>Where the GPU-hours went, from allocation to release. Busy: an iteration ran.</figcaption></figure>`;
}

function bar({ gpuHours, gpuHoursBy }: SummaryRow, most: number): string {
  const parts = uses
    .filter(([use]) => gpuHoursBy[use] > 0)
    .map(([use]) => `<i class="${use}" style="width:${((gpuHoursBy[use] / most) * 100).toFixed(2)}%"></i>`);
  return `<span class="bar" aria-hidden="true">${parts.join('')}</span><span class="sum">${amount(gpuHours)}</span>`;
}
