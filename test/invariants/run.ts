import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { type SettleRules, settleRules } from '../../src/core/settle.ts';
import { fleetLaws, fleetWorlds } from '../support/fleet-laws.ts';
import { guardLaws } from '../support/guard-laws.ts';
import { worlds } from '../support/guard-worlds.ts';

/**
 * npm run test:invariants [-- CASES]: every law of the guard in a million random worlds, other ones than `npm test` tries, on two cores. Each world is
 * made once and asked of every law; one that takes a world through five passes has every fifth. Ends with `N passed, N failed`.
 */
const usualCases = 1_000_000;
/** Worlds between two words of a worker about how far it is. */
const stride = 20_000;

interface Share {
  readonly seed: number;
  readonly cases: number;
}
type Word =
  | { readonly kind: 'tried'; readonly cases: number }
  | { readonly kind: 'broken'; readonly invariant: string; readonly report: string };

async function main(): Promise<number> {
  const cases = Number(process.argv[2] ?? usualCases);
  if (!Number.isSafeInteger(cases) || cases < 2)
    throw new RangeError(`CASES must be a whole number of at least 2, was '${process.argv[2]}'`);
  const began = performance.now();
  const workers = Math.min(2, availableParallelism());
  const broken = new Map<string, string>();
  let tried = 0;
  const listen = (word: Word): void => {
    if (word.kind === 'broken') broken.set(word.invariant, word.report);
    else tell((tried += word.cases), cases);
  };
  const each = Math.ceil(cases / workers);
  await Promise.all(Array.from({ length: workers }, (_, i) => run({ seed: 1001 + i, cases: each }, listen)));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  for (const [invariant, report] of broken) console.log(`${invariant} is broken: ${report}\n`);
  const laws = [...guardLaws, ...fleetLaws].toSorted(
    (a, b) => Number(a.invariant.slice(1)) - Number(b.invariant.slice(1)),
  );
  for (const { invariant, states } of laws)
    console.log(`${broken.has(invariant) ? 'BROKEN' : 'kept  '}  ${invariant.padEnd(4)}  ${states}`);
  console.log(`${laws.length} laws, ${each * workers} cases each, ${seconds} s on ${workers} cores`);
  console.log(`${laws.length - broken.size} passed, ${broken.size} failed`);
  return broken.size === 0 ? 0 : 1;
}

function tell(tried: number, cases: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${Math.floor((100 * tried) / cases)} % of ${cases} worlds `);
}

async function run(share: Share, listen: (word: Word) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: share });
  worker.on('message', listen);
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${code}`));
    });
  });
}

function work({ seed, cases }: Share, say: (word: Word) => void): void {
  for (let begun = 0; begun < cases; begun += stride) {
    const parameters = { seed: seed + 1000 * begun, numRuns: Math.min(stride, cases - begun) };
    ask({ laws: guardLaws, all: worlds }, parameters, say);
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
    const report = fc.defaultReportMessage(fc.check(alone, parameters));
    if (report !== undefined) say({ kind: 'broken', invariant: law.invariant, report });
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
