import { runProgram } from './program.ts';

/** Each command is its own file, loaded only when it is asked for: `simulate` never loads a Kubernetes client. */
const commands = {
  simulate: () => import('./simulate.ts'),
  agent: () => import('./agent.ts'),
};

process.exitCode = await runProgram(process.argv.slice(2), commands);
