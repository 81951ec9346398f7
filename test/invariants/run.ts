import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { settleRules } from '../../src/core/settle.ts';
import { guardLaws } from '../support/guard-laws.ts';
import { worlds, type World } from '../support/guard-worlds.ts';

/**
 * npm run test:invariants [-- CASES]: every law of the guard in a million random worlds, other ones than `npm test` tries, on two cores. Each world is
 * made once and asked of every law. Ends with `N passed, N failed`.
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
  for (const { invariant, states } of guardLaws)
    console.log(`${broken.has(invariant) ? 'BROKEN' : 'kept  '}  ${invariant.padEnd(4)}  ${states}`);
  console.log(`${guardLaws.length} laws, ${each * workers} cases each, ${seconds} s on ${workers} cores`);
  console.log(`${guardLaws.length - broken.size} passed, ${broken.size} failed`);
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

/** A law that breaks is asked alone once more, so that its counterexample is made small. */
function work({ seed, cases }: Share, say: (word: Word) => void): void {
  const standing = new Set(guardLaws);
  for (let begun = 0; begun < cases; begun += stride) {
    const numRuns = Math.min(stride, cases - begun);
    const parameters = { seed: seed + 1000 * begun, numRuns };
    fc.assert(
      fc.property(worlds, (world) => {
        for (const law of standing) if (!holds(law, world)) standing.delete(law);
      }),
      parameters,
    );
    for (const law of guardLaws.filter((one) => !standing.has(one))) {
      const report = fc.defaultReportMessage(
        fc.check(
          fc.property(worlds, (world) => holds(law, world)),
          parameters,
        ),
      );
      if (report !== undefined) say({ kind: 'broken', invariant: law.invariant, report });
    }
    say({ kind: 'tried', cases: numRuns });
  }
}

function holds(law: (typeof guardLaws)[number], world: World): boolean {
  try {
    return law.holds(world, settleRules);
  } catch {
    return false;
  }
}

if (isMainThread) process.exitCode = await main();
else work(workerData as Share, (word) => parentPort?.postMessage(word));
