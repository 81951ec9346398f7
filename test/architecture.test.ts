import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles, violations } from './support/architecture.ts';

const root = join(import.meta.dirname, '..');

test('every file of src keeps the import table and the purity of core and sim', () => {
  const files = sourceFiles(root);
  expect(files.length).toBeGreaterThan(20);
  expect(violations(files)).toStrictEqual([]);
});

const planted = {
  'a clock read in core': ['src/core/signals/rate.ts', 'const now = Date.now();'],
  'a Date in core': ['src/core/explain/report.ts', 'const now = new Date();'],
  'a monotonic clock in sim': ['src/sim/agenda.ts', 'const now = performance.now();'],
  'chance in sim': ['src/sim/rng.ts', 'const x = Math.random();'],
  'an environment read in core': ['src/core/settle.ts', "const x = process.env['HOME'];"],
  'a timer in sim': ['src/sim/world.ts', 'setTimeout(() => undefined, 1);'],
  'a locale in core': ['src/core/explain/report.ts', 'const s = new Intl.NumberFormat();'],
  'module state in sim': ['src/sim/world.ts', 'let counter = 0;'],
  'core importing a port': ['src/core/settle.ts', "import type { Clock } from '../ports/index.ts';"],
  'core importing a built-in': ['src/core/settle.ts', "import { join } from 'node:path';"],
  'core importing a package': ['src/core/settle.ts', "import pino from 'pino';"],
  'the model importing the rest of core': ['src/core/model/pool.ts', "import { tick } from '../tick.ts';"],
  'a room importing one to its right': ['src/core/signals/rate.ts', "import { plan } from '../warmth/plan.ts';"],
  'sim importing an adapter': ['src/sim/world.ts', "import { scrape } from '../adapters/engines/scrape.ts';"],
  'an adapter importing sim': ['src/adapters/kube/scale.ts', "import { world } from '../../sim/world.ts';"],
  'an adapter importing another': ['src/adapters/kube/scale.ts', "import { x } from '../engines/scrape.ts';"],
  'the loop importing an adapter': ['src/loop/pass.ts', "import { x } from '../adapters/kube/http.ts';"],
  'the agent importing core logic': ['src/agent/agent.ts', "import { tick } from '../core/tick.ts';"],
  'a dynamic import of a foreign room': ['src/sim/world.ts', "const m = await import('../agent/store.ts');"],
  'a file in no room': ['src/misc/things.ts', 'export const x = 1;'],
} as const;
for (const [name, [path, text]] of Object.entries(planted)) {
  test(`the check finds ${name}`, () => expect(violations([{ path, text }])).toHaveLength(1));
}

test('the check lets through what the table allows', () => {
  const path = 'src/loop/pass.ts';
  const text =
    "import { tick } from '../core/tick.ts';\nimport type { Clock } from '../ports/index.ts';\nconst now = Date.now();";
  expect(violations([{ path, text }])).toStrictEqual([]);
});
