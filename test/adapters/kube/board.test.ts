import { expect, test } from 'vitest';
import { StatusBoard } from '../../../src/adapters/kube/board.ts';
import { checkpointFormat, packLearned, unpackLearned } from '../../../src/adapters/kube/checkpoint.ts';
import type { Occurrence } from '../../../src/adapters/kube/events.ts';
import { list, object } from '../../../src/adapters/kube/fields.ts';
import { freshMemory } from '../../../src/core/propose.ts';
import type { Decision } from '../../../src/core/model/decision.ts';
import type { LearnedMemory } from '../../../src/core/model/memory.ts';
import type { TickInput, TickOutput } from '../../../src/core/tick.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { ForewarmError } from '../../../src/errors.ts';
import { at, epoch, poolPolicy, poolSeen } from '../../support/builders.ts';
import { autoscalerObject } from '../../support/kube-objects.ts';
import { autoscalers, watched, type Watched } from '../../support/kube-cluster.ts';
import { type KubeServer, refuse } from '../../support/kube-server.ts';
import { StepClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const pool = 'team-a/chat';
const path = `${autoscalers}/chat`;

function passOf(
  to: number,
  reason: Decision['because'][number]['reason'] = 'DemandMet',
): { readonly input: TickInput; readonly output: TickOutput } {
  const input: TickInput = {
    now: epoch,
    pools: [{ seen: poolSeen({ pool }), policy: poolPolicy() }],
    fleet: { nodes: [] },
  };
  const decision: Decision = {
    pool,
    target: 'chat',
    at: epoch,
    replicas: replicas(to),
    from: replicas(1),
    because: [{ reason, message: `to ${to}` }],
    isHeld: false,
    isReactiveRaise: false,
    isRollingOut: false,
  };
  const memory = { pools: { [pool]: freshMemory(epoch) }, assignments: {} };
  const actions =
    to === 1 ? [] : [{ kind: 'Scale', pool, target: 'chat', from: replicas(1), to: replicas(to) } as const];
  return { input, output: { memory, decisions: [decision], actions, reports: [] } };
}

interface Scene extends Watched {
  readonly board: StatusBoard;
  readonly clock: StepClock;
  readonly told: Occurrence[];
  readonly problems: unknown[];
}

async function scene(
  assertFresh: () => void = () => undefined,
  prepare?: (server: KubeServer) => void,
): Promise<Scene> {
  const all = await watched(prepare);
  const clock = new StepClock();
  const told: Occurrence[] = [];
  const problems: unknown[] = [];
  const board = new StatusBoard({
    ...all,
    clock,
    random: () => 0.5,
    assertFresh,
    problems: () => new Map(),
    dangling: () => [],
    events: { record: (one) => told.push(one) },
    failureOf: () => undefined,
    metricsOwner: () => undefined,
    freshMemory,
    onProblem: (_pool, err) => problems.push(err),
  });
  return { ...all, board, clock, told, problems };
}

/** Writes in the background until `writes` have been made. */
async function published({ board, server, shows }: Scene, writes: number): Promise<void> {
  const stop = new AbortController();
  const running = board.run(stop.signal);
  await shows(() => server.writes().length >= writes);
  stop.abort();
  await running;
}

test('the memory of a pool is in its status before its scale is written; of others nothing is', async () => {
  const all = await scene();
  const still = passOf(1);
  await all.board.save(still.output, still.input, signal);
  expect(all.server.writes()).toStrictEqual([]);
  const { input, output } = passOf(3);
  await all.board.save(output, input, signal);
  expect(all.server.writes()).toStrictEqual([`PATCH ${path}/status`]);
  expect(object(all.server.get(path), 'status', 'safety', 'memory')).toMatchObject({ since: epoch });
  expect(all.board.isSaved(pool)).toBe(true);
});

test('a memory that could not be stored is not acted upon', async () => {
  const all = await scene();
  all.server.interfere = ({ method }, response) => {
    if (method === 'PATCH') refuse(response, 500, 'InternalError');
    return method === 'PATCH';
  };
  const { input, output } = passOf(3);
  await all.board.save(output, input, signal);
  expect(all.board.isSaved(pool)).toBe(false);
  expect(all.problems).toHaveLength(1);
});

test('a status that is refused as too large is trimmed and stored', async () => {
  const all = await scene();
  let refusals = 1;
  all.server.interfere = ({ method }, response) => {
    if (method !== 'PATCH' || refusals-- <= 0) return undefined;
    refuse(response, 413, 'RequestEntityTooLarge');
    return true;
  };
  const { input, output } = passOf(3);
  await all.board.save(output, input, signal);
  expect(all.board.isSaved(pool)).toBe(true);
  const status = object(all.server.get(path), 'status');
  expect(status['safety']).toBeDefined();
  expect(list(status, 'targets')[0]).not.toHaveProperty('reasons');
});

test('passes that decide the same write once; the fifteen minutes’ heartbeat is the exception', async () => {
  const all = await scene();
  const { input, output } = passOf(1);
  for (let i = 0; i < 50; i++) await all.board.publish(output, input);
  await published(all, 1);
  for (let i = 0; i < 50; i++) await all.board.publish(output, input);
  const other = passOf(1, 'AtMinimum');
  await all.board.publish(other.output, other.input);
  expect(all.server.writes()).toHaveLength(1);
  all.clock.pass(10_000);
  await all.board.publish(other.output, other.input);
  await published(all, 2);
  all.clock.pass(15 * 60_000);
  await all.board.publish(other.output, other.input);
  await published(all, 3);
});

test('an object made anew under its old name gets its status at once', async () => {
  const all = await scene();
  const { input, output } = passOf(1);
  await all.board.publish(output, input);
  await published(all, 1);
  all.server.remove(path);
  all.server.put(path, { ...autoscalerObject(), metadata: { generation: 1, uid: 'another' } });
  await all.shows(() => all.cluster.autoscalers.get(pool)?.uid === 'another');
  await all.board.publish(output, input);
  await published(all, 2);
  expect(object(all.server.get(path), 'status')['desiredReplicas']).toBe(1);
});

test('decisions are listed newest first, each change once, ten at most', async () => {
  const all = await scene();
  for (const to of [2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 6]) {
    const { input, output } = passOf(to);
    await all.board.publish(output, input);
  }
  await published(all, 1);
  const sizes = list(all.server.get(path), 'status', 'decisions').map((one) => object({ one }, 'one')['to']);
  expect(sizes).toStrictEqual([6, 7, 8, 9, 8, 7, 6, 5, 4, 3]);
});

test('the status replaces what stood there: what ended does not live on', async () => {
  const all = await scene();
  all.server.put(path, { ...all.server.get(path), status: { desiredReplicas: 9, leftover: true } });
  const { input, output } = passOf(3);
  await all.board.save(output, input, signal);
  expect(object(all.server.get(path), 'status')).not.toHaveProperty('leftover');
});

test('a process that lost the lease writes no status', async () => {
  const all = await scene(() => {
    throw new ForewarmError('NOT_LEADER', 'gone');
  });
  const { input, output } = passOf(3);
  await all.board.save(output, input, signal);
  expect(all.board.isSaved(pool)).toBe(false);
  expect(all.server.writes()).toStrictEqual([]);
});

test('a new leader finds sizes, windows, learned memory and assignments', async () => {
  // Every field, so that one which is added to the type must come back too.
  const learned: Required<LearnedMemory> = {
    ...freshMemory(epoch).learned,
    counted: ['a', 'b'],
    long: { format: 1, quantile: 0.9, open: { minute: 3, seconds: 12, work: 4.5 }, state: { bins: [1, 2] } },
    gateway: { at: epoch, requestsTotal: 9, queued: 2 },
    kvPerRequest: 0.01,
    queue: { since: epoch, size: 12, throughput: 1.5 },
    ceiling: { share: 0.8, at: epoch },
    saturation: { inFlight: 16, at: epoch },
    pooling: { requests: 40, waited: 2, serviced: 12, busied: 16 },
    decode: { ...freshMemory(epoch).learned, counted: ['c'] },
  };
  const packed = await packLearned(learned);
  const all = await scene(undefined, (server) => {
    const base = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/poolcheckpoints/chat';
    server.put(base, { spec: { formatVersion: checkpointFormat, learned: packed } });
    server.put('/apis/forewarm.dev/v1alpha1/nodecaches/gpu-1', {
      spec: { node: 'gpu-1', artifacts: [{ hash: 'aaaaaaaaaaaa', name: 'n', source: 's', commit: 'c' }] },
    });
  });
  const { input, output } = passOf(3);
  const kept = {
    since: at(-5),
    targets: {
      chat: {
        raw: [{ at: at(-3), replicas: replicas(4) }],
        specChanges: [],
        lastDecision: { at: epoch, replicas: replicas(3) },
      },
    },
  };
  const memory = { pools: { [pool]: { ...freshMemory(epoch), safety: kept } }, assignments: {} };
  await all.board.save({ ...output, memory }, input, signal);
  const loaded = await all.board.load(signal);
  expect(loaded.pools[pool]?.safety).toStrictEqual(kept);
  expect(loaded.pools[pool]?.learned).toStrictEqual(learned);
  expect(Object.keys(loaded.assignments)).toStrictEqual(['gpu-1/aaaaaaaaaaaa']);
});

test('a checkpoint that is damaged is told and left out, and costs no more than itself', async () => {
  const all = await scene(undefined, (server) => {
    server.put('/apis/forewarm.dev/v1alpha1/namespaces/team-a/poolcheckpoints/chat', {
      spec: { formatVersion: checkpointFormat, learned: 'bm90IGd6aXA=' },
    });
  });
  const loaded = await all.board.load(signal);
  expect(loaded.pools[pool]?.learned).toStrictEqual(freshMemory(all.clock.now()).learned);
  expect(all.problems).toHaveLength(1);
});

const foreign: Readonly<Record<string, (learned: LearnedMemory) => unknown>> = {
  'a field of another version': (learned) => ({ ...learned, residuals: [] }),
  'a field that is missing': (learned) => ({ ...learned, mix: undefined }),
  'a replica’s reading in another form': (learned) => ({
    ...learned,
    baselines: { r: { at: epoch, samples: { waiting: { kind: 'value', value: 1, at: epoch } } } },
  }),
  'a number that is none': (learned) => ({ ...learned, skill: { judged: 'many', covered: 1 } }),
};
for (const [name, change] of Object.entries(foreign)) {
  test(`a checkpoint with ${name} is left out: the pool learns anew`, async () => {
    const { learned } = freshMemory(epoch);
    const packed = await packLearned(change(learned) as LearnedMemory);
    expect(await unpackLearned({ formatVersion: checkpointFormat, learned: packed })).toBeUndefined();
    expect(await unpackLearned({ formatVersion: checkpointFormat, learned: await packLearned(learned) })).toStrictEqual(
      learned,
    );
  });
}

test('what was learnt is stored soon, then once in a quarter of an hour, and at an orderly end', async () => {
  const all = await scene();
  const { input, output } = passOf(1);
  await all.board.publish(output, input);
  await all.board.drain(signal);
  const created = all.server.requests.find(({ method }) => method === 'POST');
  expect(created?.body).toMatchObject({
    metadata: { name: 'chat', ownerReferences: [{ kind: 'InferenceAutoscaler', name: 'chat', uid: 'uid-ia-chat' }] },
  });
  expect(await unpackLearned(object(created?.body, 'spec'))).toStrictEqual(output.memory.pools[pool]?.learned);
});

test('a leader that dies after three minutes leaves what it learned', async () => {
  const all = await scene();
  const { input, output } = passOf(1);
  await all.board.publish(output, input);
  const stop = new AbortController();
  const running = all.board.run(stop.signal);
  const stored = (): boolean => all.server.requests.some(({ method, body }) => method === 'POST' && isCheckpoint(body));
  await all.clock.run(60);
  expect(stored()).toBe(false);
  await all.clock.run(125);
  await all.shows(stored);
  stop.abort();
  await running;
});

function isCheckpoint(body: unknown): boolean {
  return object(object({ body }, 'body'), 'spec')['learned'] !== undefined;
}

test('learned memory always fits: the oldest demand goes first', async () => {
  const random = mulberry(7);
  const bins = Array.from({ length: 40_000 }, (_, i) => ({
    at: at(i),
    requestsPerSecond: random(),
    promptTokensPerSecond: random() * 1e4,
    outputTokensPerSecond: random() * 1e3,
  }));
  const learned: LearnedMemory = { ...freshMemory(epoch).learned, demand: bins };
  const packed = await packLearned(learned);
  expect(Buffer.from(packed, 'base64').length).toBeLessThanOrEqual(64 * 1024);
  const back = await unpackLearned({ formatVersion: checkpointFormat, learned: packed });
  expect(back?.demand.at(-1)).toStrictEqual(bins.at(-1));
  expect(back?.demand.length).toBeGreaterThan(500);
});

test('a condition that turns bad is an event, and so is its end; repetition is none', async () => {
  const all = await scene();
  const rival = { ref: 'HorizontalPodAutoscaler/x', followsUs: false };
  const publish = async (otherOwner?: typeof rival): Promise<void> => {
    const { input, output } = passOf(1);
    const targets = poolSeen({ pool }).targets.map((target) =>
      otherOwner === undefined ? target : { ...target, otherOwner },
    );
    const pools = input.pools.map((one) => ({ ...one, seen: { ...one.seen, targets } }));
    await all.board.publish(output, { ...input, pools });
  };
  for (const owner of [undefined, rival, rival, undefined, undefined]) await publish(owner);
  expect(all.told.map(({ type, reason }) => `${type} ${reason}`)).toStrictEqual([
    'Warning OtherOwner',
    'Normal NoOtherOwner',
  ]);
});

/** A small seeded generator: incompressible numbers that are the same each time. */
function mulberry(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
