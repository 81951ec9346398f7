import { expect, test } from 'vitest';
import { ScaleClient } from '../../../src/adapters/kube/scale.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { explainError, ForewarmError, isForewarmError } from '../../../src/errors.ts';
import { KubeServer, reply } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const path = '/apis/apps/v1/namespaces/team-a/deployments/chat';
const ref = { target: 'chat', apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' };
const fresh = (): void => undefined;

function order(from: number, to: number, assertFresh: () => void = fresh): Parameters<ScaleClient['write']>[0] {
  return { namespace: 'team-a', ref, from: replicas(from), to: replicas(to), assertFresh };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (err: unknown) => err,
  );
}

test('the write names the version it was decided on and changes replicas alone', async () => {
  const server = await KubeServer.listen();
  const { metadata } = server.put(path, { spec: { replicas: 2, paused: true }, status: { replicas: 2 } });
  await new ScaleClient(server.http(new SkippingClock())).write(order(2, 5), signal);
  const patch = server.requests.find(({ method }) => method === 'PATCH');
  expect(patch?.path).toBe(`${path}/scale`);
  expect(patch?.body).toStrictEqual({ metadata: { resourceVersion: metadata.resourceVersion }, spec: { replicas: 5 } });
  expect(server.get(path)?.['spec']).toStrictEqual({ replicas: 5, paused: true });
});

test('zero is read although the server leaves it out, and is written although it is nothing', async () => {
  const server = await KubeServer.listen();
  server.put(path, { spec: { replicas: 0 } });
  const client = new ScaleClient(server.http(new SkippingClock()));
  expect((await client.read('team-a', ref, signal)).replicas).toBe(0);
  await client.write(order(0, 1), signal);
  await client.write(order(1, 0), signal);
  expect(server.get(path)?.['spec']).toStrictEqual({ replicas: 0 });
});

test('somebody else’s size since the decision is a conflict, not overwritten', async () => {
  const server = await KubeServer.listen();
  server.put(path, { spec: { replicas: 7 } });
  const err = await failure(new ScaleClient(server.http(new SkippingClock())).write(order(2, 5), signal));
  expect(isForewarmError(err, 'SCALE_CONFLICT')).toBe(true);
  expect(explainError(err)).toContain('replicas is 7 now, the decision was from 2 to 5');
  expect(server.writes()).toStrictEqual([]);
});

test('a change of status between read and write is only read again', async () => {
  const server = await KubeServer.listen();
  server.put(path, { spec: { replicas: 2 } });
  let touches = 2;
  server.interfere = ({ method }) => {
    if (method === 'PATCH' && touches-- > 0) server.put(path, { ...server.get(path), status: { replicas: touches } });
    return undefined;
  };
  await new ScaleClient(server.http(new SkippingClock())).write(order(2, 5), signal);
  expect(server.get(path)?.['spec']).toStrictEqual({ replicas: 5 });
  expect(server.writes()).toHaveLength(3);
});

test('what already is as decided is not written', async () => {
  const server = await KubeServer.listen();
  server.put(path, { spec: { replicas: 5 } });
  await new ScaleClient(server.http(new SkippingClock())).write(order(2, 5), signal);
  expect(server.writes()).toStrictEqual([]);
});

test('a process that lost the lease after reading does not write', async () => {
  const server = await KubeServer.listen();
  server.put(path, { spec: { replicas: 2 } });
  const lost = (): void => {
    throw new ForewarmError('NOT_LEADER', 'the lease is gone');
  };
  const err = await failure(new ScaleClient(server.http(new SkippingClock())).write(order(2, 5, lost), signal));
  expect(isForewarmError(err, 'NOT_LEADER')).toBe(true);
  expect(server.writes()).toStrictEqual([]);
});

test('any kind with a scale subresource is found by discovery, asked once', async () => {
  const server = await KubeServer.listen();
  const own = '/apis/example.io/v1/namespaces/team-a/stormservices/s';
  server.put(own, { spec: { replicas: 1 } });
  server.interfere = (request, response) => {
    if (request.path !== '/apis/example.io/v1') return undefined;
    const resources = [
      { name: 'stormservices', kind: 'StormService' },
      { name: 'stormservices/scale', kind: 'Scale' },
      { name: 'rolesets', kind: 'RoleSet' },
    ];
    reply(response, 200, { resources });
    return true;
  };
  const client = new ScaleClient(server.http(new SkippingClock()));
  const storm = { target: 's', apiVersion: 'example.io/v1', kind: 'StormService', name: 's' };
  await client.write({ ...order(1, 3), ref: storm }, signal);
  await client.read('team-a', storm, signal);
  expect(server.get(own)?.['spec']).toStrictEqual({ replicas: 3 });
  expect(server.requests.filter(({ path: asked }) => asked === '/apis/example.io/v1')).toHaveLength(1);
  const err = await failure(client.read('team-a', { ...storm, kind: 'RoleSet' }, signal));
  expect(explainError(err)).toContain('example.io/v1 RoleSet has no scale subresource');
});
