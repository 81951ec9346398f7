import { Command, CommanderError } from 'commander';
import { type ErrorCode, explainError, isForewarmError } from '../errors.ts';
import { version } from './version.ts';

export interface CommandModule {
  readonly register: (program: Command) => void;
}
export type CommandTable = Readonly<Record<string, () => Promise<CommandModule>>>;

/** What a process says by its exit code, beside 0 and 128 + the number of a signal. */
export const exitCodes = { failure: 1, usage: 2, interrupted: 130 } as const;

/** Errors that the caller of a command can mend: wrong flags, wrong or missing files. */
const inputErrors: readonly ErrorCode[] = [
  'USAGE',
  'FILE_UNREADABLE',
  'TRACE_INVALID',
  'POLICY_INVALID',
  'LOG_INVALID',
  'CONFIG_INVALID',
];

/** Where complaints go; data goes to stdout by the commands themselves. */
export type Complain = (text: string) => void;

const toStderr: Complain = (text) => void process.stderr.write(text);

/** Runs one command line and answers the exit code, unless a command has already set one. */
export async function runProgram(
  argv: readonly string[],
  table: CommandTable,
  complain: Complain = toStderr,
): Promise<number> {
  try {
    const program = await composed(argv, table);
    for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: complain });
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (err) {
    return reported(err, complain);
  }
}

/** The command named is registered alone; for help, or for a name that does not exist, all are. */
async function composed(argv: readonly string[], table: CommandTable): Promise<Command> {
  const program = new Command('forewarm')
    .description('Inference-aware autoscaler for LLM model servers: forecasts one cold start ahead and warms the nodes')
    .version(version)
    .showHelpAfterError("Run 'forewarm --help' for the commands and flags")
    .exitOverride();
  const named = argv.find((word) => !word.startsWith('-')) ?? '';
  const names = Object.hasOwn(table, named) ? [named] : Object.keys(table);
  for (const name of names) {
    const module = await table[name]?.();
    module?.register(program);
  }
  for (const command of program.commands) helpful(command);
  return program;
}

/** Subcommands made by `command()` inherit these; those added whole do not. */
function helpful(command: Command): void {
  command.exitOverride();
  command.showHelpAfterError(`Run 'forewarm ${command.name()} --help' for its flags`);
}

function reported(err: unknown, complain: Complain): number {
  if (err instanceof CommanderError) return err.exitCode === 0 ? 0 : exitCodes.usage;
  if (isForewarmError(err)) {
    complain(`forewarm: ${explainError(err)}\n`);
    return inputErrors.includes(err.code) ? exitCodes.usage : exitCodes.failure;
  }
  const trace = err instanceof Error && err.stack !== undefined ? `\n${err.stack}` : '';
  process.stderr.write(
    `forewarm: this is a fault of Forewarm itself, please report it: ${explainError(err)}${trace}\n`,
  );
  return exitCodes.failure;
}

/** A reader that went away (`forewarm simulate | head`) is no failure. */
export function endQuietly(err: NodeJS.ErrnoException): void {
  if (err.code === 'EPIPE') process.exit(0);
  throw err;
}
