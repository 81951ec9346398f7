import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { Access } from '../../../src/adapters/metrics-api/access.ts';
import type { Caller } from '../../../src/ports/metrics-door.ts';
import { FakeReviewer, frontProxy, ManualClock } from '../../support/fake-door.ts';
import { asHpa, closeDoors, door, status, value } from '../../support/open-door.ts';

afterEach(closeDoors);

describe('who may ask', () => {
  const selected = value('alpha');
  test('the HPA through the front proxy, by a right to list the metric', async () => {
    expect((await door().get(selected, { headers: asHpa })).statusCode).toBe(200);
  });
  test('a user without the right may not, and reads why', async () => {
    const answer = await door().get(selected, { headers: { 'x-remote-user': 'eve' } });
    expect(status(answer)).toStrictEqual([
      403,
      403,
      'Forbidden',
      'forewarm_desired_replicas.external.metrics.k8s.io is forbidden: User "eve" cannot list resource "forewarm_desired_replicas" in API group "external.metrics.k8s.io" in the namespace "alpha"',
    ]);
  });
  test('headers without the proxy are not believed: the caller is nobody', async () => {
    for (const from of [
      { isVerified: false, commonNames: ['front-proxy-client'] },
      { isVerified: true, commonNames: ['someone'] },
    ]) {
      const answer = await door({ from }).get(selected);
      expect([answer.statusCode, answer.json().message]).toStrictEqual([
        403,
        expect.stringContaining('User "system:anonymous"'),
      ]);
    }
  });
  test('with no allowed names every certificate of the CA introduces', async () => {
    const clock = new ManualClock();
    const access = new Access({
      reviewer: new FakeReviewer(),
      clock,
      frontProxy: () => frontProxy('', { allowedNames: [] }),
    });
    expect(
      (await door({ access, from: { isVerified: true, commonNames: ['someone'] } }).get(selected)).statusCode,
    ).toBe(200);
  });
  test('in a cluster without a front proxy a verified certificate introduces nobody', async () => {
    const access = new Access({ reviewer: new FakeReviewer(), clock: new ManualClock(), frontProxy: () => undefined });
    expect((await door({ access }).get(selected)).statusCode).toBe(403);
  });
  test('the proxy must name somebody', async () => {
    expect(status(await door().get(selected, { headers: {} }))).toStrictEqual([
      401,
      401,
      'Unauthorized',
      'Unauthorized',
    ]);
  });
  test('a bearer of a valid token by his own right', async () => {
    const from = { isVerified: false, commonNames: [] };
    const bearer = (token: string): InjectOptions => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await door({ from }).get(selected, bearer('hpa-token'))).statusCode).toBe(200);
    expect((await door({ from }).get(selected, bearer('peer-token'))).statusCode).toBe(403);
    expect(status(await door({ from }).get(selected, bearer('forged')))).toStrictEqual([
      401,
      401,
      'Unauthorized',
      'Unauthorized',
    ]);
  });
  test('answers of the API server count for ten seconds', async () => {
    const { get, reviewer, clock } = door({ from: { isVerified: false, commonNames: [] } });
    const ask = async (): Promise<number> =>
      (await get(selected, { headers: { authorization: 'Bearer hpa-token' } })).statusCode;
    await Promise.all([ask(), ask(), ask()]);
    expect(reviewer.asked).toBe(2);
    clock.pass(9);
    await ask();
    expect(reviewer.asked).toBe(2);
    clock.pass(2);
    await ask();
    expect(reviewer.asked).toBe(4);
  });
  test('when the API server cannot be asked nobody is let in, and nothing of it is kept', async () => {
    const { get, reviewer } = door();
    reviewer.isDown = true;
    const answer = await get(selected, { headers: asHpa });
    expect([answer.statusCode, answer.json().reason]).toStrictEqual([500, 'InternalError']);
    reviewer.isDown = false;
    expect((await get(selected, { headers: asHpa })).statusCode).toBe(200);
  });
  test('repeated group headers are all heard, a comma in a group is part of its name', async () => {
    const seen: Caller[] = [];
    const reviewer = new FakeReviewer({}, (who) => seen.push(who) > 0);
    const access = new Access({ reviewer, clock: new ManualClock(), frontProxy: () => frontProxy() });
    const headers = {
      'x-remote-user': 'bob',
      'x-remote-uid': '7',
      'x-remote-group': ['a,b', 'c'],
      'x-remote-extra-scopes%2fx': 'y',
    };
    expect((await door({ access }).get(selected, { headers })).statusCode).toBe(200);
    expect(seen).toStrictEqual([
      { name: 'bob', uid: '7', groups: ['a,b', 'c', 'system:authenticated'], extra: { 'scopes/x': ['y'] } },
    ]);
  });
});
