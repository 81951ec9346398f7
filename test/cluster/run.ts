import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoopResult } from './support/results.ts';

/**
 * npm run test:cluster [-- FILE...]: builds what the bed needs (only what changed), starts the control plane with fast flags, runs the suite, starts it
 * again with the controller manager's own defaults for *.defaults.test.ts, and prints each loop as measured. Ends with `N passed, N failed`.
 */
const here = import.meta.dirname;
const root = join(here, '../..');

interface Phase {
  readonly name: string;
  readonly files: string;
  readonly env: Readonly<Record<string, string>>;
}
const phases: readonly Phase[] = [
  { name: 'fast flags', files: 'test/cluster/!(*.defaults).test.ts', env: {} },
  {
    name: "controller manager's defaults",
    files: 'test/cluster/*.defaults.test.ts',
    env: { HPA_SYNC: '15s', HPA_STABILIZATION: '5m0s', HPA_TOLERANCE: '0.1' },
  },
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function main(): number {
  const filters = process.argv.slice(2);
  if (process.platform !== 'linux') {
    console.log('1 suite cannot run here: the cluster suite needs Linux (loopback pod addresses, network namespaces)');
    return 0;
  }
  timed('build the test bed', () =>
    execFileSync(join(here, 'bed/build.sh'), ['core', 'prometheus'], { stdio: 'inherit' }),
  );
  const dir = mkdtempSync(join(tmpdir(), 'forewarm-suite.'));
  const results = join(dir, 'loops.jsonl');
  const counts = phases.map((phase) => timed(`suite, ${phase.name}`, () => runPhase(phase, { dir, results, filters })));
  printLoops(results);
  rmSync(dir, { recursive: true, force: true });
  const total = counts.reduce(add, { passed: 0, failed: 0, skipped: 0 });
  if (total.skipped > 0) console.log(`${total.skipped} skipped: see the reasons above`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function runPhase(phase: Phase, run: { dir: string; results: string; filters: readonly string[] }): Counts {
  const json = join(run.dir, `${phase.name.replace(/\W+/g, '-')}.json`);
  const vitest = ['vitest', 'run', '--config', 'test/cluster/vitest.config.ts', '--passWithNoTests'];
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${json}`];
  const ended = spawnSync(join(here, 'bed/up.sh'), ['--', 'npx', ...vitest, ...reporters, ...run.filters], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...phase.env,
      AUDIT: '1',
      FOREWARM_CLUSTER_FILES: phase.files,
      FOREWARM_CLUSTER_RESULTS: run.results,
    },
  });
  if (!existsSync(json)) return { passed: 0, failed: ended.status === 0 ? 0 : 1, skipped: 0 };
  const report = JSON.parse(readFileSync(json, 'utf8')) as Record<string, number>;
  const failed = report['numFailedTests'] ?? 0;
  return {
    passed: report['numPassedTests'] ?? 0,
    failed: failed === 0 && ended.status !== 0 ? 1 : failed,
    skipped: report['numPendingTests'] ?? 0,
  };
}

function printLoops(file: string): void {
  if (!existsSync(file)) return;
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoopResult);
  const width = Math.max(...rows.map((row) => row.loop.length), 4);
  console.log(`\n${'loop'.padEnd(width)}  reaction s  scale writes  note`);
  for (const row of rows) {
    const reaction = row.reactionSeconds?.toFixed(1) ?? '-';
    const written = row.scaleWrites?.toString() ?? '-';
    console.log(`${row.loop.padEnd(width)}  ${reaction.padStart(10)}  ${written.padStart(12)}  ${row.note ?? ''}`);
  }
}

function timed<T>(name: string, work: () => T): T {
  const began = performance.now();
  console.log(`== ${name}`);
  const done = work();
  console.log(`== ${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return done;
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

process.exitCode = main();
