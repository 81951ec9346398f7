import { expect, test } from 'vitest';
import { LeaderElector } from '../../../src/adapters/kube/leader.ts';
import { isForewarmError } from '../../../src/errors.ts';
import { KubeServer, refuse } from '../../support/kube-server.ts';
import { StepClock } from '../../support/step-clock.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm';
const never = new AbortController().signal;

function elector(server: KubeServer, clock: StepClock, identity: string): LeaderElector {
  return new LeaderElector({
    http: server.http(clock),
    clock,
    namespace: 'forewarm-system',
    name: 'forewarm',
    identity,
    annotations: { who: identity },
    onProblem: () => undefined,
  });
}

function holderOf(server: KubeServer): unknown {
  return (server.get(path)?.['spec'] as { holderIdentity: string } | undefined)?.holderIdentity;
}

/** Somebody else holds it and renews no more. */
function dead(server: KubeServer): void {
  server.put(path, {
    spec: {
      holderIdentity: 'dead',
      leaseDurationSeconds: 15,
      renewTime: '2020-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    },
  });
}

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => 'done',
    (err: unknown) => err,
  );
}

test('the first one makes the lease, with times of six decimals and its annotations', async () => {
  const server = await KubeServer.listen();
  await elector(server, new StepClock(), 'a').acquire(never);
  expect(server.get(path)).toMatchObject({
    metadata: { annotations: { who: 'a' } },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: expect.stringMatching(/\.\d{6}Z$/) },
  });
});

test('a lease is taken 15 s after its record was last seen to change, whatever time it bears', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  dead(server);
  const taking = elector(server, clock, 'b').acquire(never);
  await clock.run(14);
  expect(holderOf(server), 'an old renewTime is another machine’s clock').toBe('dead');
  clock.pass(1000);
  await taking;
  expect(server.get(path)).toMatchObject({ spec: { holderIdentity: 'b', leaseTransitions: 5 } });
});

test('a holder that renews is left alone', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  const stop = new AbortController();
  const holding = a.hold(stop.signal);
  const waiting = elector(server, clock, 'b').acquire(stop.signal);
  await clock.run(60, 2);
  expect(holderOf(server)).toBe('a');
  expect(() => a.assertFresh()).not.toThrow();
  stop.abort(new Error('over'));
  await outcome(waiting);
  await holding;
});

test('a released lease is taken at the next look', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  const taking = elector(server, clock, 'b').acquire(never);
  await clock.asleep();
  await a.release(never);
  clock.pass(1000);
  await taking;
  expect(holderOf(server)).toBe('b');
  expect(() => a.assertFresh()).toThrow('was not renewed');
});

test('of several that see it expire one gets it', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  dead(server);
  const stop = new AbortController();
  const all = ['b', 'c', 'd'].map((name) => elector(server, clock, name));
  const taking = all.map((one) => outcome(one.acquire(stop.signal)));
  await clock.run(14, 3);
  clock.pass(1000);
  await clock.asleep(2);
  expect(all.filter((one) => one.isLeader)).toHaveLength(1);
  stop.abort(new Error('over'));
  await Promise.all(taking);
});

test('a server that is away for less than the deadline costs nothing; for longer, the lease', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  const holding = outcome(a.hold(never));
  let isAway = true;
  server.interfere = (_request, response) => {
    if (isAway) refuse(response, 500, 'InternalError');
    return isAway;
  };
  await clock.run(8);
  isAway = false;
  await clock.run(2);
  expect(a.isLeader).toBe(true);
  isAway = true;
  for (let second = 0; second < 10; second++) {
    if (a.isLeader) await clock.asleep();
    clock.pass(1000);
  }
  expect(isForewarmError(await holding, 'NOT_LEADER')).toBe(true);
});

test('nothing may be written after ten seconds without renewal, though no timer has fired', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  clock.pass(9999);
  expect(() => a.assertFresh()).not.toThrow();
  clock.pass(1);
  expect(() => a.assertFresh()).toThrow('was not renewed');
});

test('a machine that slept is noticed by its wall clock', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  clock.wallShift = 30_000;
  expect(a.isLeader).toBe(false);
});

test('a person’s edit of the lease is no loss, another holder is', async () => {
  const server = await KubeServer.listen();
  const clock = new StepClock();
  const a = elector(server, clock, 'a');
  await a.acquire(never);
  const holding = outcome(a.hold(never));
  server.put(path, { ...server.get(path), metadata: { labels: { seen: 'yes' } } });
  await clock.run(4);
  expect(a.isLeader).toBe(true);
  server.put(path, { ...server.get(path), spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 } });
  await clock.asleep();
  clock.pass(2000);
  expect(isForewarmError(await holding, 'NOT_LEADER')).toBe(true);
  expect(holderOf(server)).toBe('thief');
});
