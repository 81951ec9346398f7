import type { Command } from 'commander';
import { describe, type Problem } from '../core/model/result.ts';
import { type Redecided, Redecider } from '../core/redecide.ts';
import { Replay, type Replayed } from '../core/replay.ts';
import { ForewarmError } from '../errors.ts';
import { readPolicy } from './bundled.ts';
import { oneOf } from './flags.ts';
import { logLines } from './log-lines.ts';
import { type RedecideSummary, redecideText } from './redecide-text.ts';

export function register(program: Command): void {
  program
    .command('replay')
    .description('Run the passes of a decision log again and compare each output byte by byte')
    .argument('<log>', 'decision log (JSON lines), plain or gzipped')
    .option('--policy <file>', 'decide again as this ScalingPolicy (a file or a bundled name) and show what differs')
    .option('-o, --output <format>', 'of what differs: table or json', oneOf('table', 'json'), 'table')
    .action(async (path: string, { policy, output }: Flags) => {
      if (policy === undefined) process.exitCode = answer(path, await replayFile(path));
      else process.exitCode = answerOther(await redecideFile(path, policy), output);
    });
}

interface Flags {
  readonly policy?: string;
  readonly output: 'table' | 'json';
}

/** Every decision of the log that another policy would have made otherwise. Throws LOG_INVALID, or USAGE where the policy is not one of ours. */
export async function redecideFile(path: string, name: string): Promise<RedecideSummary> {
  const policy = await readPolicy(name);
  if (policy.kind !== 'ScalingPolicy') {
    throw new ForewarmError('USAGE', `--policy must be of kind ScalingPolicy, ${policy.name} is a ${policy.kind}`);
  }
  const redecider = new Redecider(policy);
  const differences: Redecided[] = [];
  let decided = 0;
  for await (const line of logLines(path)) {
    const outcome = redecider.take(line);
    if (outcome?.kind === 'unreadable') throw unreadable(path, outcome);
    if (outcome === undefined) continue;
    decided += outcome.decided;
    differences.push(...outcome.differences);
  }
  const { passes } = redecider;
  if (passes === 0) throw new ForewarmError('LOG_INVALID', `reading decision log ${path}: no pass in it`);
  return { policy: policy.name, passes, decided, differences };
}

function unreadable(
  path: string,
  { line, problem }: { readonly line: number; readonly problem: Problem },
): ForewarmError {
  return new ForewarmError('LOG_INVALID', `reading decision log ${path}, line ${line}: ${describe(problem)}`);
}

/** Exit code as of a replay: 0 the same, 1 different. */
function answerOther(summary: RedecideSummary, output: Flags['output']): number {
  process.stdout.write(output === 'json' ? `${JSON.stringify(summary)}\n` : redecideText(summary));
  return summary.differences.length === 0 ? 0 : 1;
}

export async function replayFile(path: string): Promise<Replayed> {
  const replay = new Replay();
  for await (const line of logLines(path)) {
    const outcome = replay.take(line);
    if (outcome !== undefined) return outcome;
  }
  return replay.end();
}

/** Prints the outcome and answers the exit code: 0 identical, 1 different; throws LOG_INVALID (exit 2) with the line that cannot be read. */
function answer(path: string, outcome: Replayed): number {
  switch (outcome.kind) {
    case 'identical':
      process.stdout.write(`Identical: ${outcome.passes} passes of ${path}\n`);
      return 0;
    case 'different': {
      const { line, pass, difference } = outcome;
      process.stdout.write(
        `Different: pass ${pass} (line ${line}) at ${difference.path}\n` +
          `  recorded ${difference.recorded}\n  replayed ${difference.replayed}\n`,
      );
      return 1;
    }
    case 'unreadable':
      throw unreadable(path, outcome);
  }
}
