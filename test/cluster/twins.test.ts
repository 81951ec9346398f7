import { afterEach, describe, expect, test } from 'vitest';
import { clusterDir, connect } from './support/bed.ts';
import { ChatPool } from './support/chat-pool.ts';
import { ConstantMetric } from './support/constant-metric.ts';
import { externalMetricsAvailable, serveExternalMetricsFrom } from './support/external-metrics.ts';
import { FollowedPool, recipe } from './support/followed-pool.ts';
import { type Mutation, mutated } from './support/mutant.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** Broken twins of the closed loops: the same check, with the part that it is about broken, and it fails. A check that passes without its part proves nothing. */
const api = connect();

interface Stoppable {
  stop(): Promise<void>;
}
const started: Stoppable[] = [];
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop();
});

interface Sized {
  specReplicas(): Promise<number>;
}
/** The check of every loop that holds: the size does not change for so long. */
async function holdsAt(pool: Sized, size: number, seconds: number): Promise<void> {
  await holds(
    'the size',
    () => pool.specReplicas(),
    (n) => n === size,
    { seconds },
  );
}

describe('a metrics door that always has a number', () => {
  const size = 12;

  async function followingConstant(
    namespace: string,
    behavior: Readonly<Record<string, unknown>>,
  ): Promise<{ followed: FollowedPool; door: ConstantMetric }> {
    const door = new ConstantMetric(clusterDir(), size);
    await door.listen();
    started.push(door);
    const options = { namespace, network: 39, replicas: size, behavior, isServed: false };
    const followed = await FollowedPool.start(api, options);
    started.push(followed);
    await serveExternalMetricsFrom(api, door.port, { insecureSkipTLSVerify: true });
    await externalMetricsAvailable(api);
    await until(
      'the HPA reads it',
      async () => (await followed.hpa()).status?.['currentMetrics'],
      (metrics) => metrics !== undefined,
    );
    return { followed, door };
  }

  test('one that answers 0 in an outage takes the pool down: the check of the hold fails', async () => {
    const { followed, door } = await followingConstant('twin-zero', recipe);
    await holdsAt(followed.pool, size, 3);
    door.value = 0;
    await expect(holdsAt(followed.pool, size, 15)).rejects.toThrow('the size did not hold: 1');
    record({ loop: 'broken twin: the metric answers 0', note: 'HPA hold fails as it must: 12 -> 1' });
  });

  test('one that tells the decision in a surge inside the tolerance makes the surge the size: the check of the rollout fails', async () => {
    const { followed } = await followingConstant('twin-surge', {
      scaleUp: { stabilizationWindowSeconds: 0 },
      scaleDown: { stabilizationWindowSeconds: 0 },
    });
    await holdsAt(followed.pool, size, 3);
    await followed.rollOut({ maxSurge: 1 });
    await expect(holdsAt(followed.pool, size, 40)).rejects.toThrow('the size did not hold: 13');
    record({ loop: 'broken twin: a number in the surge', note: 'HPA rollout fails as it must: 12 -> 13' });
  });
});

/** Sizing asks for evidence too, and the guard's rule stands behind it: both are taken out. */
const withoutEvidence: readonly Mutation[] = [
  {
    file: 'src/core/decision/guard.ts',
    find: "  { name: 'evident', invariant: 'I2', reason: 'SignalsMissing', apply: evident },\n",
    replace: '',
  },
  {
    file: 'src/core/decision/sizing.ts',
    find: 'if (!input.evidence.allowsDecrease) {',
    replace: 'if (input.evidence === undefined) {',
  },
];

test('a controller without the rule of evidence lowers while two of three replicas cannot be read; ours holds', async () => {
  const pool = await ChatPool.start(api, { namespace: 'twin-guard', network: 41, replicas: 3 });
  started.push(pool);
  const [, ...hidden] = [...pool.engines.values()];
  for (const engine of hidden) engine.fault = 'Dark';
  pool.load.rate = 1;
  const ours = await pool.product.startController({ identity: 'controller-ours' });
  await pool.decided();
  await holdsAt(pool, 3, 20);
  await ours.stop();
  const env = mutated(...withoutEvidence);
  const twin = await pool.product.startController({ identity: 'controller-twin', env });
  await expect(holdsAt(pool, 3, 40)).rejects.toThrow('the size did not hold');
  expect(twin.isRunning).toBe(true);
  record({
    loop: 'broken twin: no rule of evidence',
    note: `standalone hold fails as it must: 3 -> ${await pool.specReplicas()}`,
  });
});
