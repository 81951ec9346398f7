import type { Command } from 'commander';
import type { PoolReport } from '../core/model/report.ts';
import { describe } from '../core/model/result.ts';
import { parseDecisionLogLine } from '../core/replay.ts';
import { ForewarmError } from '../errors.ts';
import { explainText } from './explain-text.ts';
import { wholeNumber } from './flags.ts';
import { logLines } from './log-lines.ts';

interface Flags {
  readonly pool?: string;
  readonly at?: number;
}

export function register(program: Command): void {
  program
    .command('explain')
    .description('Print what led to the decisions of one pass of a decision log')
    .argument('<log>', 'decision log (JSON lines), plain or gzipped')
    .option('--pool <pool>', 'only this pool, as namespace/name')
    .option('--at <n>', 'the nth pass, from 1 (default: the last)', wholeNumber({ min: 1, max: 1_000_000_000 }))
    .action(async (path: string, flags: Flags) => {
      const reports = await reportsOf(path, flags);
      process.stdout.write(reports.map(explainText).join('\n'));
    });
}

async function reportsOf(path: string, { pool, at }: Flags): Promise<readonly PoolReport[]> {
  const { reports, passes } = await passOf(path, at);
  if (reports === undefined) {
    const wanted = at === undefined ? 'a pass' : `pass ${at}`;
    throw new ForewarmError(
      'USAGE',
      `reading decision log ${path}: \`--at\` must be a pass it has, ${wanted} of ${passes}`,
    );
  }
  const chosen = pool === undefined ? reports : reports.filter((report) => report.pool === pool);
  if (chosen.length > 0) return chosen;
  const names = reports.map((report) => report.pool).join(', ');
  throw new ForewarmError('USAGE', `\`--pool\` must be one of ${names}, was ${pool}`);
}

interface PassFound {
  readonly reports?: readonly PoolReport[];
  readonly passes: number;
}

/** Reports of the nth pass; of the last one without n. Lines before it are only counted. */
async function passOf(path: string, at: number | undefined): Promise<PassFound> {
  let passes = 0;
  let line = 0;
  let last: { readonly text: string; readonly line: number } | undefined;
  for await (const text of logLines(path)) {
    line++;
    if (text.trim() === '' || text.startsWith('{"schema"')) continue;
    passes++;
    last = { text, line };
    if (passes === at) break;
  }
  if (last === undefined || (at !== undefined && passes < at)) return { passes };
  const parsed = parseDecisionLogLine(last.text);
  if (!parsed.ok) {
    const where = `reading decision log ${path}, line ${last.line}`;
    throw new ForewarmError('LOG_INVALID', `${where}: ${describe(parsed.problem)}`);
  }
  return 'schema' in parsed.value ? { passes } : { passes, reports: parsed.value.output.reports };
}
