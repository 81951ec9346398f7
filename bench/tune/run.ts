import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPolicy } from '../../src/cli/bundled.ts';
import { progressOf } from '../../src/cli/progress.ts';
import { explainError } from '../../src/errors.ts';
import { chosenWorkloads } from '../decisions/plan.ts';
import { ScoreFile } from '../decisions/store.ts';
import { firstPoints, refinements } from './search.ts';
import { readSpace, type Simulated } from './space.ts';
import { roundsOfRuns, tune } from './tune.ts';
import { writeTuned } from './tuned-file.ts';

const folder = join(import.meta.dirname, '../../policies/tuned');
/** Scores are made with seeds from 101 on. */
const seed = 1;
/** The middle of the three standard cold starts. */
const coldStartSeconds = 110;

const usage = 'npm run tune -- [--policies P,...] [--workloads W,...] [--scores FILE]';

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: { policies: { type: 'string' }, workloads: { type: 'string' }, scores: { type: 'string' } },
  });
  const space = readSpace();
  const names = values.policies?.split(',') ?? Object.keys(space);
  const unknown = names.find((name) => space[name] === undefined);
  if (unknown !== undefined)
    throw new RangeError(`--policies must be of ${Object.keys(space).join(', ')}, was '${unknown}'; ${usage}`);
  const { present, absent } = chosenWorkloads(values.workloads?.split(','), '--workloads');
  for (const { name, absent: why } of absent) process.stderr.write(`${name}: ${why}\n`);
  const workloads = present.map(({ name }) => name);
  const file = values.scores === undefined ? undefined : new ScoreFile(values.scores);
  const points = firstPoints + refinements.reduce((sum, { count }) => sum + count, 0);
  const about = `${firstPoints} points of a Sobol sequence and ${points - firstPoints} refinements, cold start ${coldStartSeconds} s, seed ${seed}.`;
  process.stderr.write(
    `${names.length} policies, ${workloads.length} workloads, ${points + 1} settings each at most\n`,
  );
  const total = names.length * workloads.length * roundsOfRuns;
  const progress = progressOf(total, process.stderr, workloads.length);
  let done = 0;
  try {
    for (const name of names) {
      const finished = (workload: string): void => {
        progress.advance(++done / total);
        progress.finished(`${name}, ${workload}`);
      };
      const policy = await simulated(name);
      const found = await tune({
        policy,
        ranges: space[name] ?? [],
        workloads,
        seed,
        coldStartSeconds,
        file,
        finished,
      });
      writeTuned(folder, { policy: name, command: `npm run tune -- --policies ${name}`, about, found });
    }
  } finally {
    progress.stop();
  }
}

async function simulated(name: string): Promise<Simulated> {
  const definition = await readPolicy(name);
  if (definition.kind !== 'SimulatedPolicy') throw new TypeError(`${name} is no peer: its defaults are not tuned`);
  return definition;
}

try {
  await main(process.argv.slice(2));
} catch (err) {
  process.stderr.write(`tune: ${explainError(err)}\n`);
  process.exitCode = 2;
}
