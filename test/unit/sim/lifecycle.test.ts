import { describe, expect, it } from 'vitest';
import type { ReplicaSeen } from '../../../src/core/model/pool.ts';
import type { Lifecycle } from '../../../src/core/model/simulated-lifecycle.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { type ScenarioOptions, scenarioOf, simArtifact } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const profile = profileWith();
const base: ScenarioOptions = {
  workload: poisson({ rate: 1, seconds: 1500 }),
  profile,
  startSpread: 0,
  gpusPerNode: 1,
};

interface Ran {
  readonly result: SimResult;
  readonly policy: Script;
  readonly last: readonly ReplicaSeen[];
  /** Seconds from order to Ready of all replicas that were ordered and lived to the end. */
  readonly leads: readonly number[];
}

function run(
  lifecycle: Lifecycle,
  orders: Record<number, number>,
  options: Partial<ScenarioOptions> = {},
  script?: Script,
): Ran {
  const policy = script ?? new Script(orders, { tickSeconds: 1, initial: 1 });
  const result = runSimulation({ ...base, ...options, lifecycle }, policy);
  const last = policy.views.at(-1)?.seen.targets[0]?.replicas ?? [];
  const leads = last.flatMap(({ milestones: { orderedAt = 0, readyAt } }) =>
    orderedAt > 0 && readyAt !== undefined ? [Math.round((readyAt - orderedAt) / 100) / 10] : [],
  );
  return { result, policy, last, leads };
}

/** Orders these sizes, and assigns the weights to the second node at this second. */
function assigning(seconds: number, orders: Record<number, number>): Script {
  const artifact = simArtifact(profile).hash;
  return new Script(orders, {
    tickSeconds: 1,
    answer: ({ now }) =>
      now === seconds * 1000
        ? { actions: [{ kind: 'Assign', node: 'node-02', artifact, pool: 'simulation/pool' }] }
        : {},
  });
}

describe('phases as data', () => {
  it('replace their share of the cold start, one by one', () => {
    const phases = { image: { medianSeconds: 10, spread: 0 }, engine: { medianSeconds: 100, spread: 0 } };
    expect(run({ phases }, { 100: 2 }).leads).toStrictEqual([2.2 + 10 + 22 + 100]);
  });

  it('have a spread of their own', () => {
    const phases = { engine: { medianSeconds: 44, spread: 0.5 } };
    expect(new Set(run({ phases }, { 100: 5 }).leads).size).toBe(4);
    expect(new Set(run({}, { 100: 5 }).leads)).toStrictEqual(new Set([110]));
  });
});

describe('contention', () => {
  const wide = { registryStreams: 99, originStreams: 99, nodeStreams: 99 };

  it('with room for all changes nothing', () => {
    expect(run({ contention: wide }, { 100: 5 }).leads).toStrictEqual([110, 110, 110, 110]);
  });

  it('makes pulls from one registry wait for each other', () => {
    const { leads } = run({ contention: { ...wide, registryStreams: 1 } }, { 100: 5 });
    // Four pulls of 41.8 s at a quarter of the speed each.
    expect(leads).toStrictEqual([110, 110, 110, 110].map((lead) => Math.round((lead + 3 * 41.8) * 10) / 10));
  });

  it('makes downloads from the origin wait for each other', () => {
    expect(run({ contention: { ...wide, originStreams: 2 } }, { 100: 5 }).leads).toStrictEqual([132, 132, 132, 132]);
  });

  it('spares the origin where peers give what they hold', () => {
    const contention = { ...wide, originStreams: 1, peers: { streams: 1, timeFactor: 0.5 } };
    // Node 1 holds the weights; two downloads of 11 s share what it gives out.
    expect(run({ contention }, { 100: 3 }).leads).toStrictEqual([110, 110]);
    expect(run({ contention }, { 100: 2 }).leads).toStrictEqual([99]);
  });

  it('slows an image and weights that one node takes in together', () => {
    const lead = (nodeStreams: number): readonly number[] =>
      run({ contention: { ...wide, nodeStreams } }, {}, {}, assigning(110, { 100: 2 })).leads;
    // Alone the weights are there before the image is; together both are on the node after 41.8 + 22 s.
    expect(lead(2)).toStrictEqual([88]);
    expect(lead(1)).toStrictEqual([110]);
  });
});

describe('a node pool that grows', () => {
  const lead = { medianSeconds: 300, spread: 0 };
  it('orders the nodes that are missing, once, and binds when they come', () => {
    const { leads, policy } = run({ nodePool: { initialNodes: 2, lead } }, { 100: 4 });
    const nodes = (seconds: number): number =>
      policy.views.find(({ now }) => now === seconds * 1000)?.fleet.nodes.length ?? 0;
    expect([nodes(100), nodes(402), nodes(403), nodes(1400)]).toStrictEqual([2, 2, 4, 4]);
    expect(leads).toStrictEqual([110, 410, 410]);
  });

  it('gives back what stood empty, and the next one in its place is cold', () => {
    const nodePool = { initialNodes: 1, lead, idleSeconds: 100 };
    const { policy, result } = run({ nodePool }, { 50: 2, 600: 1, 800: 2 });
    const nodes = (seconds: number): number =>
      policy.views.find(({ now }) => now === seconds * 1000)?.fleet.nodes.length ?? 0;
    expect([nodes(599), nodes(699), nodes(701), nodes(1110)]).toStrictEqual([2, 2, 1, 2]);
    expect([result.coldStarts, result.warmStarts]).toStrictEqual([2, 0]);
  });

  it('has the nodes of the initial replicas from the beginning', () => {
    const policy = new Script({}, { initial: 5 });
    run({ nodePool: { initialNodes: 1, lead } }, {}, {}, policy);
    expect(policy.views[0]?.fleet.nodes).toHaveLength(5);
  });

  it('is refused with more nodes than the scenario has', () => {
    expect(() => scenarioOf({ ...base, nodes: 3, lifecycle: { nodePool: { initialNodes: 4, lead } } })).toThrow(
      "lifecycle.nodePool.initialNodes must be at most 3 (the scenario's nodes), was 4",
    );
  });
});

describe('sleeping engines', () => {
  const sleeping = { perNode: 1, wake: { medianSeconds: 3, spread: 0 } };
  it('are woken where a drained replica left one, once', () => {
    const { leads, result } = run({ sleeping }, { 50: 2, 400: 1, 500: 3 }, { gpusPerNode: 2 });
    // One wakes on node 1; the other is started from scratch on node 2.
    expect(leads).toStrictEqual([5.2, 110]);
    expect([result.coldStarts, result.warmStarts]).toStrictEqual([1, 2]);
  });

  it('are none where the scenario does not say so', () => {
    expect(run({}, { 50: 2, 400: 1, 500: 2 }, { gpusPerNode: 2 }).leads).toStrictEqual([46.2]);
  });
});

describe('an assignment', () => {
  const leadWith = (assignBringsImage: boolean): readonly number[] =>
    run({}, {}, { assignBringsImage }, assigning(5, { 200: 2 })).leads;
  it('brings the image too, where the scenario says so', () => {
    expect(leadWith(false)).toStrictEqual([88]);
    expect(leadWith(true)).toStrictEqual([46.2]);
  });
});
