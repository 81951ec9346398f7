import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { expect, test } from 'vitest';
import { drainOf } from '../../../src/adapters/kube/drain.ts';
import { object } from '../../../src/adapters/kube/fields.ts';

const engine = (more: object = {}, grace?: number): Record<string, unknown> => ({
  containers: [{ image: 'vllm/vllm-openai:v0.26.0', ...more }],
  ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
});

test('vLLM waits for what it runs only where it was told to', () => {
  expect(drainOf(engine())).toStrictEqual({ graceSeconds: 30, hasPreStop: false, finishesRequests: false });
  for (const args of [['--shutdown-timeout=90'], ['--model', 'x', '--shutdown-timeout', '90']])
    expect(drainOf(engine({ args })).finishesRequests).toBe(true);
  expect(drainOf(engine({ args: ['--shutdown-timeout=0'] })).finishesRequests).toBe(false);
});

test('grace period and preStop are read; of another engine the rest is not known', () => {
  const lifecycle = { preStop: { sleep: { seconds: 15 } } };
  expect(drainOf({ ...engine({ image: 'sglang:1', lifecycle }, 90) })).toStrictEqual({
    graceSeconds: 90,
    hasPreStop: true,
  });
});

test('our own recipe drains', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../deploy/recipes/vllm.yaml'), 'utf8');
  const deployment = loadAll(text).find((one) => object(one)['kind'] === 'Deployment');
  const drain = drainOf(object(deployment, 'spec', 'template', 'spec'));
  expect(drain).toStrictEqual({ graceSeconds: 120, hasPreStop: true, finishesRequests: true });
});
