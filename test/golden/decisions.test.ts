import { expect, test } from 'vitest';
import { replicas } from '../../src/core/model/units.ts';
import { llama8bH100, poolPolicy, targetPolicy } from '../support/builders.ts';
import { FluidPool } from '../support/fluid-pool.ts';
import { passes } from '../support/scenes.ts';

const policy = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(40) })] });

/** A scenario in, its decisions out, one line each that changed something: read the difference like code, then accept it with `vitest -u`. */
const scenarios = {
  'a step of demand and back': { rate: (t: number) => (t >= 900 && t < 2700 ? 100 : 25), ready: 2, after: () => 120 },
  'a slow day': { rate: (t: number) => 60 - 40 * Math.cos((t / 7200) * 2 * Math.PI), ready: 2, after: () => 120 },
  'a ramp that outruns the maximum': { rate: (t: number) => 20 + t / 3, ready: 3, after: () => 90 },
  'replicas that never start': { rate: () => 60, ready: 2, after: () => 1e9 },
  'engines slower than their profile': { rate: () => 60, ready: 4, after: () => 120, each: 14 },
};

for (const [name, { rate, ...starts }] of Object.entries(scenarios)) {
  test(`decisions for ${name} are those that were reviewed`, async () => {
    const pool = new FluidPool(rate, starts);
    const lines: string[] = [];
    let before = starts.ready;
    for (const { t, spec, decisions, reports } of passes({
      spec: starts.ready,
      policy,
      to: 7200,
      seen: (time, size) => pool.seen(time, size),
    })) {
      if (spec === before) continue;
      const [because] = decisions[0]?.because ?? [];
      const { wanted } = reports[0]?.targets[0] ?? {};
      lines.push(
        `${String(t).padStart(5)} s  ${before} -> ${spec}  (${wanted} wanted)  ${because?.reason}: ${because?.message}`,
      );
      before = spec;
    }
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./${name.replaceAll(' ', '-')}.txt`);
  });
}
