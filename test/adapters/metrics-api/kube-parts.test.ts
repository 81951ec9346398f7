import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { KubeAccessReviewer } from '../../../src/adapters/kube/access-review.ts';
import { MetricsApiService } from '../../../src/adapters/kube/api-service.ts';
import { KubeAuthConfig } from '../../../src/adapters/kube/auth-config.ts';
import { LeaseLeaderAddress } from '../../../src/adapters/kube/leader-address.ts';
import { ServingSecret } from '../../../src/adapters/kube/serving-secret.ts';
import { KubeServer, refuse, reply, type KubeJson } from '../../support/kube-server.ts';

const signal = AbortSignal.timeout(30_000);
const service = { namespace: 'forewarm-system', name: 'forewarm' };
const secretPath = '/api/v1/namespaces/forewarm-system/secrets/forewarm-serving';
const configPath = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
const apiServicePath = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io';
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm';

/** A server that answers every POST with this, and remembers what was asked. */
async function reviewing(
  answer: KubeJson,
): Promise<{ readonly server: KubeServer; readonly reviewer: KubeAccessReviewer }> {
  const server = await KubeServer.listen();
  server.interfere = (_request, response) => {
    reply(response, 201, answer);
    return true;
  };
  return { server, reviewer: new KubeAccessReviewer(server.http(systemClock())) };
}

describe('reviews', () => {
  test('a token has an owner with groups and extra', async () => {
    const user = { username: 'bob', uid: '7', groups: ['a', 'b'], extra: { scopes: ['x'] } };
    const { server, reviewer } = await reviewing({ status: { authenticated: true, user } });
    expect(await reviewer.whoIs('secret', signal)).toStrictEqual({
      name: 'bob',
      uid: '7',
      groups: ['a', 'b'],
      extra: { scopes: ['x'] },
    });
    expect(server.requests[0]).toMatchObject({
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { spec: { token: 'secret' } },
    });
  });
  test('a token that is not valid has none', async () => {
    const { reviewer } = await reviewing({ status: { authenticated: false, user: {}, error: 'expired' } });
    expect(await reviewer.whoIs('secret', signal)).toBeUndefined();
  });
  test('a metric is a resource that is listed, a path is got', async () => {
    const { server, reviewer } = await reviewing({ status: { allowed: false, reason: 'no rule' } });
    const caller = { name: 'bob', groups: ['a'], extra: { scopes: ['x'] } };
    const wanted = { kind: 'metric', namespace: 'team-a', metric: 'm' } as const;
    expect(await reviewer.may(caller, wanted, signal)).toStrictEqual({ isAllowed: false, reason: 'no rule' });
    await reviewer.may(caller, { kind: 'path', path: '/apis' }, signal);
    const specs = server.requests.map(({ body }) => (body as { spec: unknown }).spec);
    expect(specs).toStrictEqual([
      {
        user: 'bob',
        groups: ['a'],
        extra: { scopes: ['x'] },
        resourceAttributes: {
          group: 'external.metrics.k8s.io',
          version: 'v1beta1',
          resource: 'm',
          namespace: 'team-a',
          verb: 'list',
        },
      },
      { user: 'bob', groups: ['a'], extra: { scopes: ['x'] }, nonResourceAttributes: { path: '/apis', verb: 'get' } },
    ]);
  });
});

describe('the front proxy', () => {
  const data = {
    'requestheader-client-ca-file': 'PEM',
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  };
  async function read(config: KubeJson | undefined): Promise<unknown> {
    const server = await KubeServer.listen();
    if (config !== undefined)
      server.put(configPath, { metadata: { name: 'extension-apiserver-authentication' }, data: config });
    else server.interfere = (_request, response) => (refuse(response, 404, 'NotFound'), true);
    return await new KubeAuthConfig(server.http(systemClock())).frontProxy(signal);
  }
  test('is as the API server says, with no header for what it leaves out', async () => {
    expect(await read(data)).toStrictEqual({
      ca: 'PEM',
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['X-Remote-User'],
      uidHeaders: [],
      groupHeaders: ['X-Remote-Group'],
      extraPrefixes: ['X-Remote-Extra-'],
    });
  });
  test('is none without a CA, and none without the ConfigMap', async () => {
    expect(await read({})).toBeUndefined();
    expect(await read(undefined)).toBeUndefined();
  });
  for (const broken of ['front-proxy-client', '{"a":1}', '[1]']) {
    test(`is not guessed from ${broken}: nobody would be kept out`, async () => {
      await expect(read({ ...data, 'requestheader-allowed-names': broken })).rejects.toThrow(
        '`requestheader-allowed-names`',
      );
    });
  }
});

describe('the Secret of the serving certificate', () => {
  const certificate = { ca: 'CA', caKey: 'CAKEY', cert: 'CERT', key: 'KEY' };
  test('is empty at first, keeps what is saved, and refuses who came too late', async () => {
    const server = await KubeServer.listen();
    server.put(secretPath, { metadata: { name: 'forewarm-serving' } });
    const secret = new ServingSecret(server.http(systemClock()), { ...service, name: 'forewarm-serving' });
    const { certificate: before, version } = await secret.load(signal);
    expect(before).toBeUndefined();
    expect(await secret.save(certificate, version, signal)).toBe(true);
    expect((await secret.load(signal)).certificate).toStrictEqual(certificate);
    expect(await secret.save({ ...certificate, cert: 'OTHER' }, version, signal)).toBe(false);
    expect((await secret.load(signal)).certificate?.cert).toBe('CERT');
  });
  test('is left to others by an account that may only read it', async () => {
    const server = await KubeServer.listen();
    server.interfere = (_request, response) => (refuse(response, 403, 'Forbidden'), true);
    const secret = new ServingSecret(server.http(systemClock()), { ...service, name: 'forewarm-serving' });
    expect(await secret.save(certificate, '1', signal)).toBe(false);
  });
});

describe('the registration', () => {
  async function trusted(
    spec: KubeJson | undefined,
  ): Promise<{ readonly server: KubeServer; readonly answer: unknown }> {
    const server = await KubeServer.listen();
    if (spec !== undefined) server.put(apiServicePath, { metadata: { name: 'v1beta1.external.metrics.k8s.io' }, spec });
    else server.interfere = (_request, response) => (refuse(response, 404, 'NotFound'), true);
    const answer = await new MetricsApiService(server.http(systemClock()), service).trust('CA', signal);
    return { server, answer };
  }
  const caBundle = Buffer.from('CA').toString('base64');
  test('of our own Service gets our CA, once', async () => {
    const { server, answer } = await trusted({ service, caBundle: 'b2xk' });
    expect(answer).toStrictEqual({});
    expect(server.get(apiServicePath)?.['spec']).toMatchObject({ caBundle });
    expect((await trusted({ service, caBundle })).server.writes()).toStrictEqual([]);
  });
  test('of another Service is left alone and named', async () => {
    const { server, answer } = await trusted({ service: { namespace: 'keda', name: 'keda-metrics-apiserver' } });
    expect(answer).toStrictEqual({ foreignOwner: 'Service keda/keda-metrics-apiserver' });
    expect(server.writes()).toStrictEqual([]);
  });
  test('that does not exist is said', async () => {
    expect((await trusted(undefined)).answer).toStrictEqual({
      foreignOwner: 'nobody: there is no APIService v1beta1.external.metrics.k8s.io',
    });
  });
});

describe('the address of the leader', () => {
  async function found(lease: KubeJson | undefined): Promise<string | undefined> {
    const server = await KubeServer.listen();
    if (lease !== undefined) server.put(leasePath, lease);
    return await new LeaseLeaderAddress(server.http(systemClock()), service).find(signal);
  }
  const metadata = { name: 'forewarm', annotations: { 'forewarm.dev/metrics-address': '[::1]:6443' } };
  test('stands on the lease while somebody holds it', async () => {
    expect(await found({ metadata, spec: { holderIdentity: 'a' } })).toBe('[::1]:6443');
    expect(await found({ metadata, spec: { holderIdentity: '' } })).toBeUndefined();
    expect(await found({ metadata: { name: 'forewarm' }, spec: { holderIdentity: 'a' } })).toBeUndefined();
    expect(await found(undefined)).toBeUndefined();
  });
});
