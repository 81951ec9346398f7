import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { type SettleRules, settleRules } from '../../src/core/settle.ts';
import { fleetLaws, fleetWorlds } from '../support/fleet-laws.ts';
import { guardLaws } from '../support/guard-laws.ts';
import { plainWorlds, worlds } from '../support/guard-worlds.ts';

/**
 * npm run test:invariants [-- CASES]: every law of the guard in a million random worlds, other ones than `npm test` tries, on two cores. Each world is
 * made once and asked of every law; one that takes a world through five passes has every fifth. Ends with `N passed, N failed`.
 *
 * Worlds come in strides, and whoever is free takes the next one. A stride has its own seed, so that the worlds are the same however many cores
 * there are. Those of the last eighth may have records without a prototype; none has before, because all laws are slower ever after.
 */
const usualCases = 1_000_000;
const stride = 20_000;
/** Kept free for what is young, in MB: almost everything that a world is made of is gone with it. */
const youngMegabytes = 64;

interface Share {
  readonly cases: number;
  /** One number: the strides that were taken, by whichever worker. */
  readonly taken: Int32Array;
}
type Word =
  | { readonly kind: 'tried'; readonly cases: number }
  | { readonly kind: 'broken'; readonly invariant: string; readonly report: string };

async function main(): Promise<number> {
  const cases = Number(process.argv[2] ?? usualCases);
  if (!Number.isSafeInteger(cases) || cases < 1)
    throw new RangeError(`CASES must be a whole number of at least 1, was '${process.argv[2]}'`);
  const began = performance.now();
  const workers = Math.min(2, availableParallelism());
  const broken = new Map<string, string>();
  let tried = 0;
  const listen = (word: Word): void => {
    if (word.kind === 'broken') broken.set(word.invariant, word.report);
    else tell((tried += word.cases), cases);
  };
  const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  await Promise.all(Array.from({ length: workers }, () => run({ cases, taken }, listen)));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  for (const [invariant, report] of broken) console.log(`${invariant} is broken: ${report}\n`);
  const laws = [...guardLaws, ...fleetLaws].toSorted(
    (a, b) => Number(a.invariant.slice(1)) - Number(b.invariant.slice(1)),
  );
  for (const { invariant, states } of laws)
    console.log(`${broken.has(invariant) ? 'BROKEN' : 'kept  '}  ${invariant.padEnd(4)}  ${states}`);
  console.log(`${laws.length} laws, ${cases} cases each, ${seconds} s on ${workers} cores`);
  console.log(`${laws.length - broken.size} passed, ${broken.size} failed`);
  return broken.size === 0 ? 0 : 1;
}

function tell(tried: number, cases: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${Math.floor((100 * tried) / cases)} % of ${cases} worlds `);
}

async function run(share: Share, listen: (word: Word) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: share,
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
  });
  worker.on('message', listen);
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${code}`));
    });
  });
}

function work({ cases, taken }: Share, say: (word: Word) => void): void {
  Error.stackTraceLimit = 0; // a law makes the guard throw in many worlds, and nobody reads where
  for (;;) {
    const begun = stride * Atomics.add(taken, 0, 1);
    if (begun >= cases) return;
    const parameters = { seed: 1001 + 1000 * begun, numRuns: Math.min(stride, cases - begun) };
    ask({ laws: guardLaws, all: begun < (7 / 8) * cases ? plainWorlds : worlds }, parameters, say);
    ask({ laws: fleetLaws, all: fleetWorlds }, parameters, say);
    say({ kind: 'tried', cases: parameters.numRuns });
  }
}

interface Law<W> {
  readonly invariant: string;
  readonly passes?: number;
  readonly holds: (world: W, rules: SettleRules) => boolean;
}

/** A law that breaks is asked alone once more, so that its counterexample is made small. */
function ask<W>(
  { laws, all }: { readonly laws: readonly Law<W>[]; readonly all: fc.Arbitrary<W> },
  parameters: { readonly seed: number; readonly numRuns: number },
  say: (word: Word) => void,
): void {
  const standing = new Set(laws);
  let asked = 0;
  const every = fc.property(all, (world) => {
    asked += 1;
    for (const law of standing) if (asked % (law.passes ?? 1) === 0 && !holds(law, world)) standing.delete(law);
  });
  fc.assert(every, parameters);
  for (const law of laws.filter((one) => !standing.has(one))) {
    const alone = fc.property(all, (world) => holds(law, world));
    const unseen = `not when asked alone, of the ${parameters.numRuns} worlds of seed ${parameters.seed}`;
    const report = fc.defaultReportMessage(fc.check(alone, parameters)) ?? unseen;
    say({ kind: 'broken', invariant: law.invariant, report });
  }
}

function holds<W>(law: Law<W>, world: W): boolean {
  try {
    return law.holds(world, settleRules);
  } catch {
    return false;
  }
}

if (isMainThread) process.exitCode = await main();
else work(workerData as Share, (word) => parentPort?.postMessage(word));
