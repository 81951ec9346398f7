import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/config/policy-file.ts';
import { createPolicy } from '../../../src/sim/policies/index.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { simArtifact, simTarget } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { bundledSource } from '../../../src/sim/workload/bundled.ts';
import { llama8bH100, poolPolicy, targetPolicy } from '../../support/builders.ts';

/** S10: from 900 s on prompts of 8000 tokens instead of 500, at the same 16 requests a second. Six replicas carry them. */
async function run(coldStartSeconds: number): Promise<SimResult> {
  const text = await readFile(new URL('../../../policies/balanced.yaml', import.meta.url), 'utf8');
  const definition = parsePolicy(text);
  const source = bundledSource('s10');
  if (!definition.ok || source === undefined) throw new TypeError('the policy and the load come with the product');
  const setting = { minReplicas: 1, maxReplicas: 24, seed: 101 };
  const workload = source.draw({ seed: 101, from: 0, to: source.durationSeconds, rateScale: 1, timeScale: 1 });
  const pool = poolPolicy({
    targets: [targetPolicy({ target: simTarget, profile: llama8bH100, gpusPerReplica: 1 })],
    warmth: { mode: 'Act', artifact: simArtifact(llama8bH100), floorCopies: 0 },
  });
  const policy = createPolicy(definition.value, setting, pool);
  return runSimulation({ workload, profile: llama8bH100, coldStartSeconds, ...setting }, policy);
}

describe('prompts that become sixteen times as long', () => {
  it('are met within one lead time, and what was learned in the rush keeps no fleet', async () => {
    const { decisions } = await run(30);
    const sizeAt = (seconds: number): number => decisions.findLast(({ t }) => t <= seconds)?.to ?? 1;
    expect(sizeAt(899)).toBe(1);
    expect(sizeAt(960)).toBeGreaterThanOrEqual(6);
    expect(Math.max(...decisions.map(({ to }) => to))).toBeLessThanOrEqual(16);
    expect(sizeAt(2100)).toBeLessThanOrEqual(8);
  });
});
