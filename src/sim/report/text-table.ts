import { columnsFor } from './columns.ts';
import { summaryRows } from './summary.ts';
import type { SimResult } from '../result.ts';

/** The summary for a terminal: heads in capitals, two spaces between columns, numbers to the right. */
export function summaryTable(results: readonly SimResult[]): string {
  const rows = summaryRows(results);
  const columns = columnsFor(rows);
  const heads = columns.map(({ group, head }) => (group === 'TTFT' || group === 'ITL' ? `${group} ${head}` : head));
  return alignTable([
    heads.map((head) => head.toUpperCase()),
    ...rows.map((row) => columns.map(({ read }) => read(row))),
  ]);
}

/** First column to the left, the others to the right; no trailing spaces. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
