import { request } from 'node:https';
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { CertificateKeeper } from '../../../src/adapters/metrics-api/certificate-keeper.ts';
import { MetricsDoor, type MetricsDoorOptions } from '../../../src/adapters/metrics-api/door.ts';
import { LeaderSource } from '../../../src/adapters/metrics-api/leader-source.ts';
import { MetricRegistry } from '../../../src/adapters/telemetry/registry.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { PublishedSeries } from '../../../src/ports/metric-source.ts';
import { type TestAuthority, testAuthority } from '../../support/certificates.ts';
import {
  caller,
  FakeAuthConfig,
  FakeCertificateStore,
  FakeReviewer,
  FakeSource,
  frontProxy,
  ManualClock,
} from '../../support/fake-door.ts';

const serverName = 'forewarm.forewarm-system.svc';
const base = '/apis/external.metrics.k8s.io/v1beta1';
const valuePath = `${base}/namespaces/alpha/forewarm_desired_replicas`;
const one: PublishedSeries = {
  namespace: 'alpha',
  metric: 'forewarm_desired_replicas',
  labels: { autoscaler: 'chat', target: 'chat' },
  at: instant(Date.UTC(2026, 10, 26)),
  answer: { milli: 3000n },
};
const peerName = 'system:serviceaccount:forewarm-system:forewarm-controller';

let proxyCa: TestAuthority;
let otherCa: TestAuthority;
beforeAll(async () => {
  [proxyCa, otherCa] = await Promise.all([testAuthority('front-proxy-ca'), testAuthority('front-proxy-ca')]);
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

interface Running {
  readonly door: MetricsDoor;
  readonly clock: ManualClock;
  readonly authConfig: FakeAuthConfig;
  readonly trusted: string[];
  readonly problems: string[];
  readonly store: FakeCertificateStore;
}
interface Begun {
  readonly store?: FakeCertificateStore;
  readonly over?: Partial<MetricsDoorOptions>;
  /** When its clock begins. */
  readonly daysAgo?: number;
}

/** Lets the door look again, as often as it takes, until it is as wanted. */
async function afterLooks({ clock }: Running, isWanted: () => Promise<void> | void): Promise<void> {
  const look = async (): Promise<void> => {
    clock.pass(30);
    await isWanted();
  };
  await vi.waitFor(look, { timeout: 10_000, interval: 10 });
}

/** A door that runs on a port of its own until the test ends. */
async function running({ store = new FakeCertificateStore(), over = {}, daysAgo = 0 }: Begun = {}): Promise<Running> {
  const clock = new ManualClock(Date.now() - daysAgo * 86_400_000);
  const authConfig = new FakeAuthConfig(frontProxy(proxyCa.pem));
  const trusted: string[] = [];
  const problems: string[] = [];
  const source = new FakeSource([one]);
  const door = new MetricsDoor({
    host: '127.0.0.1',
    port: 0,
    source,
    local: source,
    peers: [peerName],
    certificates: new CertificateKeeper({ store, names: [serverName], clock, onIssued: () => undefined }),
    authConfig,
    reviewer: new FakeReviewer({ 'peer-token': caller(peerName) }),
    registration: {
      trust: (ca) => {
        trusted.push(ca);
        return Promise.resolve({});
      },
    },
    clock,
    telemetry: new MetricRegistry({ roles: ['metrics API'], hasProcessMetrics: false }),
    programVersion: '0.1.0',
    onProblem: (err, what) => problems.push(`${what}: ${err instanceof Error ? err.message : String(err)}`),
    ...over,
  });
  const stop = new AbortController();
  const ended = door.run(stop.signal);
  ends.push(async () => {
    stop.abort(new Error('the test is over'));
    await ended;
  });
  await vi.waitFor(() => expect(door.address() !== undefined || problems.length > 0).toBe(true), {
    timeout: 10_000,
    interval: 5,
  });
  return { door, clock, authConfig, trusted, problems, store };
}

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly serial: string;
}
interface Asking {
  readonly cert?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}
const asAdmin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };

/** One request on a connection of its own, which trusts the door's CA only. */
function ask({ door }: Running, { cert, key, headers = asAdmin, path = valuePath }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const port = door.address()?.port;
    const tls = { servername: serverName, ca: door.ca, cert, key, agent: false } as const;
    const asked = request({ host: '127.0.0.1', port, path, headers, ...tls }, (response) => {
      const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body, serial }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('over real TLS', () => {
  test('the front proxy introduces callers, over a certificate that the cluster was told to trust', async () => {
    const door = await running();
    const answer = await ask(door, await proxyCa.client('front-proxy-client'));
    expect(answer.code).toBe(200);
    expect(answer.body).toContain('"value":"3"');
    expect(door.trusted).toStrictEqual([door.door.ca]);
    expect(door.problems).toStrictEqual([]);
  });
  test('nobody else does: no certificate, another CA of the same name, another name, a server certificate, an expired one', async () => {
    const door = await running();
    const others = await Promise.all([
      Promise.resolve({}),
      otherCa.client('front-proxy-client'),
      proxyCa.client('someone'),
      proxyCa.client('front-proxy-client', 'server'),
      proxyCa.client('front-proxy-client', 'client', -1),
    ]);
    for (const one of others) {
      const answer = await ask(door, one);
      expect([answer.code, answer.body]).toStrictEqual([403, expect.stringContaining('system:anonymous')]);
    }
  });
  test('without a front proxy in the cluster no certificate introduces anybody, and health still answers', async () => {
    const door = await running({ over: { authConfig: new FakeAuthConfig(undefined) } });
    expect((await ask(door, await proxyCa.client('front-proxy-client'))).code).toBe(403);
    expect((await ask(door, { path: '/readyz' })).body).toBe('ok');
  });
  test('a changed CA of the front proxy counts from the next look on, without a restart', async () => {
    const door = await running();
    const [before, after] = await Promise.all([
      proxyCa.client('front-proxy-client'),
      otherCa.client('front-proxy-client'),
    ]);
    door.authConfig.proxy = frontProxy(otherCa.pem);
    await afterLooks(door, async () => expect((await ask(door, after)).code).toBe(200));
    expect((await ask(door, before)).code).toBe(403);
  });
  test('a certificate that has lived two thirds of its time is replaced under the same CA, without a restart', async () => {
    const door = await running({ daysAgo: 61 });
    const client = await proxyCa.client('front-proxy-client');
    const before = await ask(door, client);
    const ca = door.door.ca;
    door.clock.pass(61 * 86_400);
    await afterLooks(door, async () => expect((await ask(door, client)).serial).not.toBe(before.serial));
    expect(door.door.ca).toBe(ca);
    const { certificate } = await door.store.load();
    expect(new X509Certificate(certificate?.cert ?? '').subjectAltName).toBe(`DNS:${serverName}`);
  });
  test('what cannot be looked up is told and tried again, and the door stays shut meanwhile', async () => {
    let isDown = true;
    const authConfig = {
      frontProxy: () =>
        isDown ? Promise.reject(new Error('connect ECONNREFUSED')) : Promise.resolve(frontProxy(proxyCa.pem)),
    };
    const door = await running({ over: { authConfig } });
    expect(door.problems).toStrictEqual(['reading the front proxy of the API server: connect ECONNREFUSED']);
    expect(door.door.problem()).toBe('the metrics door is not open yet');
    isDown = false;
    await afterLooks(door, () => expect(door.door.problem()).toBeUndefined());
  });
  test('another owner of the group is named and left alone', async () => {
    const registration = { trust: () => Promise.resolve({ foreignOwner: 'Service keda/keda-metrics-apiserver' }) };
    const { door } = await running({ over: { registration } });
    await vi.waitFor(() => expect(door.foreignOwner).toBe('Service keda/keda-metrics-apiserver'), {
      timeout: 5000,
      interval: 5,
    });
  });
});

describe('certificates of several replicas', () => {
  const keeper = (store: FakeCertificateStore): CertificateKeeper =>
    new CertificateKeeper({
      store,
      names: [serverName],
      clock: new ManualClock(Date.now()),
      onIssued: () => undefined,
    });
  const never = new AbortController().signal;

  test('two that begin at once serve the same', async () => {
    const store = new FakeCertificateStore();
    const [a, b] = await Promise.all([keeper(store).current(never), keeper(store).current(never)]);
    expect(a).toBeDefined();
    expect(a?.cert).toBe(b?.cert);
  });
  test('one that may not write waits for one that may', async () => {
    const store = new FakeCertificateStore();
    store.mayWrite = false;
    expect(await keeper(store).current(never)).toBeUndefined();
    store.mayWrite = true;
    expect(await keeper(store).current(never)).toBeDefined();
  });
  test('what somebody broke is made anew', async () => {
    const store = new FakeCertificateStore();
    await store.save({ ca: 'x', cert: 'y', key: 'z' }, '1');
    expect((await keeper(store).current(never))?.cert).toContain('BEGIN CERTIFICATE');
  });
});

describe('a replica that does not lead', () => {
  async function pair(
    token = 'peer-token',
  ): Promise<{ readonly leader: Running; readonly standby: Running; readonly counted: () => Promise<string> }> {
    const store = new FakeCertificateStore();
    const leader = await running({ store });
    const telemetry = new MetricRegistry({ roles: ['metrics API'], hasProcessMetrics: false });
    const silent = new FakeSource([]);
    silent.isLeading = false;
    const source = new LeaderSource({
      local: silent,
      metricNames: silent.metricNames(),
      leader: { find: () => Promise.resolve(leader.door.address() && `127.0.0.1:${leader.door.address()?.port}`) },
      ownAddress: '127.0.0.1:1',
      token: () => Promise.resolve(token),
      ca: () => leader.door.ca,
      serverName,
      clock: leader.clock,
      telemetry,
    });
    const standby = await running({ store, over: { source, local: silent, close: () => source.close() } });
    const counted = async (): Promise<string> =>
      (await telemetry.render())
        .split('\n')
        .filter((line) => line.startsWith('forewarm_metrics_api_forwards_total'))
        .join(' ');
    return { leader, standby, counted };
  }

  test("answers with the leader's decision, and with discovery of its own", async () => {
    const { standby, counted } = await pair();
    const client = await proxyCa.client('front-proxy-client');
    const answer = await ask(standby, client);
    expect([answer.code, answer.body]).toStrictEqual([200, expect.stringContaining('"value":"3"')]);
    expect((await ask(standby, { ...client, path: base })).code).toBe(200);
    expect(await counted()).toContain('{outcome="answered"} 1');
  });
  test('refuses with 503 when the leader does not know it', async () => {
    const { standby, counted } = await pair('forged');
    const answer = await ask(standby, await proxyCa.client('front-proxy-client'));
    expect([answer.code, answer.body]).toStrictEqual([503, expect.stringContaining('HTTP 401')]);
    expect(await counted()).toContain('{outcome="failed"} 1');
  });
  const lost = {
    'nobody leads': { find: () => Promise.resolve(undefined), want: 'no leader has said where it serves metrics' },
    'the lease names itself': {
      find: () => Promise.resolve('127.0.0.1:1'),
      want: 'this process holds the lease and has made no decision yet',
    },
    'the leader is gone': { find: () => Promise.resolve('127.0.0.1:2'), want: 'asking the leader at 127.0.0.1:2' },
    'the API server is gone': {
      find: () => Promise.reject(new Error('connect ECONNREFUSED')),
      want: 'looking for the leader: connect ECONNREFUSED',
    },
  } as const;
  for (const [name, { find, want }] of Object.entries(lost)) {
    test(`knows nothing when ${name}`, async () => {
      const telemetry = new MetricRegistry({ roles: ['metrics API'], hasProcessMetrics: false });
      const { ca } = (await new CertificateKeeper({
        store: new FakeCertificateStore(),
        names: [serverName],
        clock: new ManualClock(Date.now()),
        onIssued: () => undefined,
      }).current(new AbortController().signal)) ?? { ca: '' };
      const source = new LeaderSource({
        metricNames: [],
        leader: { find },
        ownAddress: '127.0.0.1:1',
        token: () => Promise.resolve('token'),
        ca: () => ca,
        serverName,
        clock: new ManualClock(),
        telemetry,
      });
      const asked = source.series('alpha', 'm', new AbortController().signal);
      await expect(asked).rejects.toMatchObject({ code: 'NOT_LEADER', message: expect.stringContaining(want) });
      await source.close();
    });
  }
});
