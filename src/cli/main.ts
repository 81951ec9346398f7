import { endQuietly, runProgram } from './program.ts';

/** Each command is its own file, loaded only when it is asked for: `simulate` never loads a Kubernetes client. */
const commands = {
  start: () => import('./start.ts'),
  simulate: () => import('./simulate.ts'),
  calibrate: () => import('./calibrate.ts'),
  agent: () => import('./agent.ts'),
  adapter: () => import('./adapter.ts'),
  controller: () => import('./controller.ts'),
  plan: () => import('./plan.ts'),
  replay: () => import('./replay.ts'),
  explain: () => import('./explain.ts'),
};

process.stdout.on('error', endQuietly);
process.exitCode = await runProgram(process.argv.slice(2), commands);
