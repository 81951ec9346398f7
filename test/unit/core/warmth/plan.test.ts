import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Action, Recommendation } from '../../../../src/core/model/decision.ts';
import type { FleetSeen, NodeCacheSeen, NodeSeen } from '../../../../src/core/model/pool.ts';
import { bytes } from '../../../../src/core/model/units.ts';
import type { Assignments } from '../../../../src/core/warmth/ground.ts';
import { keepSeconds } from '../../../../src/core/warmth/orphans.ts';
import { planWarmth } from '../../../../src/core/warmth/plan.ts';
import { at, node, recommendation, target, type TargetGiven } from '../../../support/settle-builders.ts';

const hash = 'abcdefabcdef';
const artifact = { hash, name: 'team-a/chat@1', bytes: bytes(40) };
const fleet = (...nodes: readonly NodeSeen[]): FleetSeen => ({ nodes });
const cache = (given: Partial<NodeCacheSeen> = {}): NodeCacheSeen => ({
  phases: {},
  assigned: [],
  budgetBytes: bytes(100),
  usedBytes: bytes(0),
  ...given,
});
const assignedReady = cache({ assigned: [hash], phases: { [hash]: 'Ready' }, usedBytes: bytes(40) });

interface Given {
  readonly nodes: readonly NodeSeen[];
  readonly target?: TargetGiven;
  readonly pool?: Partial<Recommendation>;
  readonly floorCopies?: number;
  readonly assignments?: Assignments;
  readonly seconds?: number;
}
function plan(given: Given): ReturnType<typeof planWarmth> {
  const eligibleNodes = given.nodes.map((one) => one.node);
  const pool = recommendation({
    warmth: { mode: 'Act', artifact, floorCopies: given.floorCopies ?? 0 },
    targets: [target({ eligibleNodes, warmCopiesWanted: 1, ...given.target })],
    ...given.pool,
  });
  return planWarmth({
    assignments: given.assignments ?? {},
    recommendations: [pool],
    fleet: fleet(...given.nodes),
    now: at(given.seconds ?? 0),
  });
}
const assigned = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'Assign' ? [action.node] : []));
const unassigned = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'Unassign' ? [action.node] : []));

describe('where copies go', () => {
  const cases: Readonly<Record<string, Given & { readonly want: readonly string[] }>> = {
    'to a node with a free GPU before one without': { nodes: [node('a', { freeGpus: 0 }), node('b')], want: ['b'] },
    'to no unhealthy node': { nodes: [node('a', { isHealthy: false }), node('b')], want: ['b'] },
    'to no node that the pod template refuses': {
      nodes: [node('a'), node('b')],
      target: { eligibleNodes: ['b'] },
      want: ['b'],
    },
    'to no node without a cache': {
      nodes: [{ node: 'a', isHealthy: true, gpus: 1, freeGpus: 1 }, node('b')],
      want: ['b'],
    },
    'to no node whose disk has no room': {
      nodes: [node('a', { cache: cache({ usedBytes: bytes(61) }) }), node('b')],
      want: ['b'],
    },
    'nowhere when a copy is already where the next replica lands': {
      nodes: [node('a'), node('b', { cache: assignedReady })],
      want: [],
    },
    'to as many nodes as there are copies and a floor': {
      nodes: [node('a'), node('b'), node('c'), node('d')],
      target: { warmCopiesWanted: 2 },
      floorCopies: 1,
      want: ['a', 'b', 'c'],
    },
    'to every node that runs a replica': {
      nodes: [node('a', { freeGpus: 0 }), node('b', { freeGpus: 0 }), node('c')],
      target: { warmCopiesWanted: 0, occupiedNodes: ['a', 'b'] },
      want: ['a', 'b'],
    },
    'to a node whose disk has no room when a replica waits there: its agent says why it cannot': {
      nodes: [node('a', { freeGpus: 0, cache: cache({ usedBytes: bytes(61) }) })],
      target: { warmCopiesWanted: 0, occupiedNodes: ['a'] },
      want: ['a'],
    },
    'beside the replicas to where the next one lands': {
      nodes: [node('a', { freeGpus: 0 }), node('b')],
      target: { warmCopiesWanted: 1, occupiedNodes: ['a'] },
      want: ['b', 'a'].sort(),
    },
    'nowhere when nothing is wanted': { nodes: [node('a')], target: { warmCopiesWanted: 0 }, want: [] },
  };
  for (const [name, { want, ...given }] of Object.entries(cases)) {
    test(`${name}`, () => expect(assigned(plan(given).actions)).toStrictEqual(want));
  }

  test('the report names what is wanted, ready and to be warmed', () => {
    const { reports } = plan({
      nodes: [node('a', { cache: assignedReady }), node('b')],
      target: { warmCopiesWanted: 2 },
    });
    expect(reports['team-a/chat']).toMatchObject({
      artifact: 'team-a/chat@1',
      wanted: 2,
      ready: ['a'],
      warming: ['b'],
    });
  });

  test('a copy on a node of many GPUs is enough for several replicas: with every node warm none is missing', () => {
    const warm = (name: string, freeGpus: number): NodeSeen => node(name, { gpus: 8, freeGpus, cache: assignedReady });
    const wantedOn = (...nodes: readonly NodeSeen[]): number | undefined =>
      plan({ nodes, target: { warmCopiesWanted: 6, gpusPerReplica: 2 } }).reports['team-a/chat']?.wanted;
    expect(wantedOn(warm('a', 8), warm('b', 4))).toBe(2);
    expect(wantedOn(warm('a', 8), warm('b', 2))).toBe(6);
  });

  test('the report says on which nodes copies failed and why, and from where nobody reports', () => {
    const failing = cache({
      assigned: [hash],
      phases: { [hash]: 'Failed' },
      failures: { [hash]: 'DiskFull: needs 22.9 MiB, room for 9.5 MiB' },
      reportedAt: at(0),
    });
    const { reports } = plan({
      nodes: [node('a', { cache: failing }), node('b'), node('c', { cache: { ...assignedReady, reportedAt: at(0) } })],
      target: { warmCopiesWanted: 0, occupiedNodes: ['a', 'b', 'c'] },
    });
    const report = reports['team-a/chat'];
    expect(report?.failed).toStrictEqual(['a']);
    expect(report?.because).toBe(
      '0 copies wanted where the next replicas would land; 1 of 3 ready, 2 to warm; ' +
        '1 failed, on a: DiskFull: needs 22.9 MiB, room for 9.5 MiB; no agent has reported from b',
    );
  });

  test('two artifacts never promise the same bytes twice', () => {
    const other = { hash: 'ffffffffffff', name: 'team-a/code@1', bytes: bytes(70) };
    const pool = (name: string, need: typeof artifact): Recommendation =>
      recommendation({
        pool: name,
        warmth: { mode: 'Act', artifact: need, floorCopies: 1 },
        targets: [target({ eligibleNodes: ['a'] })],
      });
    const { actions } = planWarmth({
      assignments: {},
      recommendations: [pool('x/1', artifact), pool('x/2', other)],
      fleet: fleet(node('a')),
      now: at(0),
    });
    expect(actions).toStrictEqual([{ kind: 'Assign', node: 'a', artifact: hash, pool: 'x/1' }]);
  });

  test('that the disk has room for once go to the pool that may need one first', () => {
    const other = { hash: '000000000000', name: 'team-a/code@1', bytes: bytes(70) };
    const pool = (name: string, need: typeof artifact, of: TargetGiven): Recommendation =>
      recommendation({
        pool: name,
        warmth: { mode: 'Act', artifact: need, floorCopies: 0 },
        targets: [target({ eligibleNodes: ['a'], warmCopiesWanted: 1, ...of })],
      });
    const first = (soon: TargetGiven, late: TargetGiven): unknown =>
      planWarmth({
        assignments: {},
        recommendations: [pool('x/late', artifact, late), pool('x/soon', other, soon)],
        fleet: fleet(node('a')),
        now: at(0),
      }).actions;
    const to = (pool: string, { hash: given }: typeof artifact): unknown => [
      { kind: 'Assign', node: 'a', artifact: given, pool },
    ];
    expect(first({ warmNeededInSeconds: 100 }, { warmNeededInSeconds: 300 })).toStrictEqual(to('x/soon', other));
    expect(first({ warmNeededInSeconds: 100 }, { warmNeededInSeconds: 30 })).toStrictEqual(to('x/late', artifact));
    expect(first({ warmNeededInSeconds: 90 }, { warmNeededInSeconds: 70 }), 'of one minute: the smaller').toStrictEqual(
      to('x/late', artifact),
    );
  });

  test('pools that share an artifact add up what they want', () => {
    const pool = (name: string): Recommendation =>
      recommendation({
        pool: name,
        warmth: { mode: 'Act', artifact, floorCopies: 1 },
        targets: [target({ eligibleNodes: ['a', 'b', 'c'] })],
      });
    const { actions } = planWarmth({
      assignments: {},
      recommendations: [pool('x/1'), pool('x/2')],
      fleet: fleet(node('a'), node('b'), node('c')),
      now: at(0),
    });
    expect(assigned(actions)).toStrictEqual(['a', 'b']);
  });
});

describe('what is acted upon', () => {
  test('mode Plan reports and does nothing', () => {
    const planned = plan({ nodes: [node('a')], pool: { warmth: { mode: 'Plan', artifact, floorCopies: 0 } } });
    expect(planned.actions).toStrictEqual([]);
    expect(planned.reports['team-a/chat']?.warming).toStrictEqual(['a']);
  });
  test('a paused pool does nothing', () => {
    expect(plan({ nodes: [node('a')], pool: { paused: true } }).actions).toStrictEqual([]);
  });
  test('a pool without an artifact has no plan', () => {
    expect(plan({ nodes: [node('a')], pool: { warmth: { mode: 'Act', floorCopies: 3 } } })).toStrictEqual({
      assignments: {},
      actions: [],
      reports: {},
    });
  });
});

describe('what is taken away', () => {
  const nothing: TargetGiven = { warmCopiesWanted: 0 };
  const nodes = [node('a', { cache: assignedReady })];
  test('is kept for ten minutes after it was last wanted', () => {
    const first = plan({ nodes });
    const during = plan({ nodes, target: nothing, assignments: first.assignments, seconds: keepSeconds - 1 });
    expect(during.actions).toStrictEqual([]);
    const after = plan({ nodes, target: nothing, assignments: during.assignments, seconds: keepSeconds });
    expect(unassigned(after.actions)).toStrictEqual(['a']);
  });
  test('is never what a replica uses', () => {
    const used = plan({
      nodes,
      target: { warmCopiesWanted: 0, occupiedNodes: ['a'] },
      assignments: { [`a/${hash}`]: at(-90_000) },
    });
    expect(used.actions).toStrictEqual([]);
    const sick = [node('a', { cache: assignedReady, isHealthy: false })];
    expect(
      plan({
        nodes: sick,
        target: { warmCopiesWanted: 0, occupiedNodes: ['a'] },
        assignments: { [`a/${hash}`]: at(-90_000) },
      }).actions,
    ).toStrictEqual([]);
  });
  test('of what memory has forgotten begins its ten minutes now', () => {
    const first = plan({ nodes, target: nothing });
    expect(first.actions).toStrictEqual([]);
    expect(first.assignments).toStrictEqual({ [`a/${hash}`]: at(0) });
  });
  test('is replaced elsewhere at once when its node falls ill', () => {
    const sick = [node('a', { cache: assignedReady, isHealthy: false }), node('b')];
    const { actions } = plan({ nodes: sick, assignments: { [`a/${hash}`]: at(0) } });
    expect(actions).toStrictEqual([{ kind: 'Assign', node: 'b', artifact: hash, pool: 'team-a/chat' }]);
  });
});

describe('copies whose pool is gone, or names another artifact', () => {
  const other = { hash: 'ffffffffffff', name: 'team-a/chat@2', bytes: bytes(40) };
  const changed: Partial<Recommendation> = { warmth: { mode: 'Act', artifact: other, floorCopies: 0 } };
  const holding = (given: Partial<NodeCacheSeen> = {}): NodeSeen =>
    node('a', { cache: { ...assignedReady, ...given } });
  const orphaned = { [`a/${hash}`]: at(0) };
  const after = (seconds: number, seen: FleetSeen, recommendations: readonly Recommendation[] = []) =>
    planWarmth({ assignments: orphaned, recommendations, fleet: seen, now: at(seconds) });
  test('are kept for ten minutes after they were last wanted, then taken back', () => {
    expect(after(keepSeconds - 1, fleet(holding()))).toStrictEqual({ assignments: orphaned, actions: [], reports: {} });
    const { actions } = after(keepSeconds, fleet(holding()));
    expect(actions).toStrictEqual([{ kind: 'Unassign', node: 'a', artifact: hash }]);
  });
  test('are taken back beside the plan of the artifact that the pool names now', () => {
    const pool = recommendation({ ...changed, targets: [target({ eligibleNodes: ['b'], warmCopiesWanted: 1 })] });
    const { actions } = after(keepSeconds, fleet(holding(), node('b')), [pool]);
    expect(actions).toStrictEqual([
      { kind: 'Unassign', node: 'a', artifact: hash },
      { kind: 'Assign', node: 'b', artifact: other.hash, pool: 'team-a/chat' },
    ]);
  });
  test('stay while a pod on the node names them, and ten minutes more', () => {
    const used = after(90_000, fleet(holding({ inUse: [hash] })));
    expect(used).toStrictEqual({ assignments: { [`a/${hash}`]: at(90_000) }, actions: [], reports: {} });
    const unused = planWarmth({
      assignments: used.assignments,
      recommendations: [],
      fleet: fleet(holding()),
      now: at(90_000 + keepSeconds - 1),
    });
    expect(unused.actions).toStrictEqual([]);
  });
  test('stay while their pool exists and cannot be decided', () => {
    expect(after(90_000, { ...fleet(holding()), reserved: [hash] }).actions).toStrictEqual([]);
  });
  test('come again while the cluster still shows them, and are forgotten when it does not', () => {
    const first = after(keepSeconds, fleet(holding()));
    const again = planWarmth({
      assignments: first.assignments,
      recommendations: [],
      fleet: fleet(holding()),
      now: at(keepSeconds + 15),
    });
    expect(unassigned(again.actions)).toStrictEqual(['a']);
    expect(after(keepSeconds, fleet(holding({ assigned: [] })))).toStrictEqual({
      assignments: {},
      actions: [],
      reports: {},
    });
  });
  test('of what memory has forgotten begin their ten minutes now', () => {
    const first = planWarmth({ assignments: {}, recommendations: [], fleet: fleet(holding()), now: at(7) });
    expect(first).toStrictEqual({ assignments: { [`a/${hash}`]: at(7) }, actions: [], reports: {} });
  });
});

const nodeArbitrary = fc.record({
  isHealthy: fc.boolean(),
  freeGpus: fc.integer({ min: 0, max: 2 }),
  budget: fc.integer({ min: 0, max: 120 }),
  used: fc.integer({ min: 0, max: 120 }),
  phase: fc.constantFrom('Ready' as const, 'Downloading' as const, 'Failed' as const, undefined),
  isAssigned: fc.boolean(),
});
const fleets = fc.array(nodeArbitrary, { maxLength: 6 }).map((seen) =>
  seen.map((one, i) =>
    node(`n${i}`, {
      isHealthy: one.isHealthy,
      freeGpus: one.freeGpus,
      cache: cache({
        budgetBytes: bytes(one.budget),
        usedBytes: bytes(one.used),
        assigned: one.isAssigned ? [hash] : [],
        phases: one.phase === undefined ? {} : { [hash]: one.phase },
      }),
    }),
  ),
);
/** What the agents would show next: assigned and, once assigned, held. */
function applied(nodes: readonly NodeSeen[], actions: readonly Action[]): readonly NodeSeen[] {
  return nodes.map((one) => {
    const isOn =
      assigned(actions).includes(one.node) ||
      (one.cache?.assigned.includes(hash) === true && !unassigned(actions).includes(one.node));
    return one.cache === undefined ? one : { ...one, cache: { ...one.cache, assigned: isOn ? [hash] : [] } };
  });
}

function fits(one: NodeSeen | undefined): boolean {
  const isThere = one?.cache?.phases[hash] === 'Ready';
  return isThere || (one?.cache?.budgetBytes ?? 0) - (one?.cache?.usedBytes ?? 0) >= artifact.bytes;
}

test('property: new copies fit the disk or are waited for, go to healthy eligible nodes, and never leave a user', () => {
  fc.assert(
    fc.property(
      fleets,
      fc.integer({ min: 0, max: 6 }),
      fc.subarray(['n0', 'n1', 'n2', 'n3', 'n4', 'n5']),
      (nodes, warmCopiesWanted, used) => {
        const { actions } = plan({ nodes, target: { warmCopiesWanted, occupiedNodes: used } });
        for (const name of assigned(actions)) {
          const one = nodes.find((seen) => seen.node === name);
          expect(one?.isHealthy).toBe(true);
          expect(fits(one) || used.includes(name)).toBe(true);
        }
        expect(unassigned(actions).filter((name) => used.includes(name))).toStrictEqual([]);
      },
    ),
    { numRuns: 5000, seed: 3 },
  );
});

test('property: under constant input nothing flaps: after the first plan is applied no copy is moved until what is unwanted ages out', () => {
  fc.assert(
    fc.property(fleets, fc.integer({ min: 0, max: 6 }), (nodes, warmCopiesWanted) => {
      const seen: string[] = [];
      let shown: readonly NodeSeen[] = nodes;
      let assignments: Assignments = {};
      for (let s = 0; s <= 3000; s += 60) {
        const next = plan({ nodes: shown, target: { warmCopiesWanted }, assignments, seconds: s });
        seen.push(...next.actions.map(({ kind, ...rest }) => `${kind} ${'node' in rest ? rest.node : ''}`));
        shown = applied(shown, next.actions);
        ({ assignments } = next);
      }
      expect(seen).toStrictEqual([...new Set(seen)]);
      for (const one of nodes) {
        expect(seen.includes(`Assign ${one.node}`) && seen.includes(`Unassign ${one.node}`)).toBe(false);
      }
    }),
    { numRuns: 200, seed: 4 },
  );
});

test('property: the plan is the same for the same input', () => {
  fc.assert(
    fc.property(fleets, (nodes) => {
      expect(JSON.stringify(plan({ nodes }))).toBe(JSON.stringify(plan({ nodes })));
    }),
    { numRuns: 500, seed: 5 },
  );
});
