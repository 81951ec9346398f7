import { clock, count } from './format.ts';
import { escapeHtml, tableRow } from './html.ts';
import type { DecisionPoint, SimResult } from '../result.ts';

/** More rows than anybody reads; the rest is in the JSON output. */
export const mostRows = 400;

/** Decisions that changed the size. */
export function changes(decisions: readonly DecisionPoint[]): readonly DecisionPoint[] {
  return decisions.filter((decision) => decision.from !== decision.to);
}

/** Our own policy's decisions carry the reason's name beside its sentence. */
export function reasonText({ because, report }: DecisionPoint): string {
  const first = report?.targets[0]?.because[0];
  return first?.message === because ? `${first.reason}: ${because}` : because;
}

/** What stands on the lid of the table. */
export function decisionTitle(result: SimResult): string {
  const { length } = changes(result.decisions);
  if (length === 0) return 'No change of replicas was decided.';
  return length === 1
    ? 'The one change of replicas, with its reason'
    : `All ${count(length)} changes of replicas, with reasons`;
}

/** What stands under the table where `shown` rows are not all. */
export function leftOutText(result: SimResult, shown: number): string {
  const rest = changes(result.decisions).length - shown;
  return rest > 0 ? `${count(rest)} more are left out here; '-o json --timelines' has them all.` : '';
}

/** Every change of replicas with its reason, as a table that opens on demand; the page's script fills it anew when another run is chosen. */
export function decisionsSection(result: SimResult, at: number): string {
  const all = changes(result.decisions);
  return `<details class="decisions"><summary>${decisionTitle(result)}</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Decisions of ${escapeHtml(result.policy)}"><table id="decisions-${at}"><thead><tr><th scope="col">Time</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Reason</th></tr></thead><tbody>
${all.slice(0, mostRows).map(row).join('\n')}
</tbody></table></div>
<p class="note rest">${leftOutText(result, mostRows)}</p></details>`;
}

function row(decision: DecisionPoint): string {
  return tableRow([
    { html: clock(decision.t) },
    { html: String(decision.from), isNumber: true },
    { html: `<span class="${decision.to > decision.from ? 'up' : 'down'}">${decision.to}</span>`, isNumber: true },
    { html: escapeHtml(reasonText(decision)) },
  ]);
}
