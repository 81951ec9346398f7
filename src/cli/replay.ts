import type { Command } from 'commander';
import { describe } from '../core/model/result.ts';
import { Replay, type Replayed } from '../core/replay.ts';
import { ForewarmError } from '../errors.ts';
import { logLines } from './log-lines.ts';

export function register(program: Command): void {
  program
    .command('replay')
    .description('Run the passes of a decision log again and compare each output byte by byte')
    .argument('<log>', 'decision log (JSON lines), plain or gzipped')
    .action(async (path: string) => {
      process.exitCode = answer(path, await replayFile(path));
    });
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
    case 'unreadable': {
      const where = `reading decision log ${path}, line ${outcome.line}`;
      throw new ForewarmError('LOG_INVALID', `${where}: ${describe(outcome.problem)}`);
    }
  }
}
