import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * npm run test:engine: installs the real vLLM (CPU build) and builds the control plane where they are absent, then drives both. What a machine lacks is
 * said in one line and is not a pass.
 */
const here = import.meta.dirname;

function main(): number {
  const missing = missingPart();
  if (missing !== undefined) {
    console.log(`1 suite cannot run here: the real engine needs ${missing}`);
    return 0;
  }
  const venv = execFileSync(join(here, 'setup.sh'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  const bed = join(here, '../cluster/bed');
  execFileSync(join(bed, 'build.sh'), ['core', 'prometheus'], { stdio: 'inherit' });
  const ended = spawnSync(
    join(bed, 'up.sh'),
    ['--', 'npx', 'vitest', 'run', '--config', 'test/engine/vitest.config.ts', ...process.argv.slice(2)],
    {
      cwd: join(here, '../..'),
      stdio: 'inherit',
      env: { ...process.env, AUDIT: '1', FOREWARM_VLLM: venv },
    },
  );
  return ended.status ?? 1;
}

function missingPart(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Linux on x86-64';
  if (spawnSync('go', ['version']).status !== 0) return 'Go (to build the control plane)';
  if (spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']).status !== 0)
    return 'Python 3.11';
  return undefined;
}

process.exitCode = main();
