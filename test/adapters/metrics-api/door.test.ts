import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeSource } from '../../support/fake-door.ts';
import { asAdmin, base, closeDoors, door, metric, series, status, value } from '../../support/open-door.ts';

afterEach(closeDoors);

describe('a value', () => {
  test('has exactly the shape that Kubernetes defines', async () => {
    const answer = await door().get(value('alpha', '?labelSelector=autoscaler%3Dchat'));
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body).toBe(
      '{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[{"metricName":"forewarm_desired_replicas","metricLabels":{"autoscaler":"chat","target":"chat"},"timestamp":"2026-11-26T01:02:03Z","value":"3"}]}',
    );
  });
  test('of one namespace is never that of another, a thousand times over', async () => {
    const { get } = door();
    for (let i = 0; i < 500; i++) {
      const [alpha, beta] = await Promise.all(
        ['alpha', 'beta'].map((ns) => get(value(ns, '?labelSelector=autoscaler%3Dchat'))),
      );
      expect(alpha?.json().items.map((item: { value: string }) => item.value)).toStrictEqual(['3']);
      expect(beta?.json().items.map((item: { value: string }) => item.value)).toStrictEqual(['8']);
    }
  });
  test('is an exact quantity', async () => {
    const answer = await door().get(value('beta', '?labelSelector=target%20in%20(prefill)'));
    expect(answer.json().items[0].value).toBe('1500m');
  });
  test('comes as JSON whatever the client would rather have', async () => {
    for (const accept of [
      'application/vnd.kubernetes.protobuf,application/json',
      '*/*',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'text/html',
    ]) {
      const answer = await door().get(value('alpha'), { headers: { ...asAdmin, accept } });
      expect([answer.statusCode, answer.headers['content-type']]).toStrictEqual([200, 'application/json']);
    }
  });
  test('may be asked for with all that a list request may carry', async () => {
    const answer = await door().get(
      value('alpha', '?limit=500&resourceVersion=0&timeoutSeconds=30&fieldSelector=&pretty=true'),
    );
    expect(answer.body).toContain('\n  "kind": "ExternalMetricValueList"');
  });
  test('may be asked for with HEAD', async () => {
    expect((await door().get(value('alpha'), { method: 'HEAD' })).statusCode).toBe(200);
  });
});

const refusals: Readonly<Record<string, { readonly url: string; readonly want: readonly unknown[] }>> = {
  'a selector that matches two series': {
    url: value('beta', '?labelSelector=autoscaler%3Droles'),
    want: [
      400,
      'BadRequest',
      'a selector must match one series of forewarm_desired_replicas, selector "autoscaler=roles" matches 2: {autoscaler=roles,target=decode} {autoscaler=roles,target=prefill}',
    ],
  },
  'a selector that matches none': {
    url: value('alpha', '?labelSelector=autoscaler%3Dother'),
    want: [
      404,
      'NotFound',
      'the server could not find a series of forewarm_desired_replicas for alpha that matches "autoscaler=other": there are {autoscaler=chat,target=chat}',
    ],
  },
  'a namespace without autoscalers': {
    url: value('delta'),
    want: [
      404,
      'NotFound',
      'the server could not find a series of forewarm_desired_replicas for delta: there is none in the namespace',
    ],
  },
  'an unknown metric': {
    url: value('alpha', '', 'queue_depth'),
    want: [404, 'NotFound', 'the server could not find the metric queue_depth for alpha'],
  },
  'the namespace *': {
    url: value('*'),
    want: [404, 'NotFound', 'the server could not find the metric "forewarm_desired_replicas" for "*"'],
  },
  'mode Observe': {
    url: value('gamma', '?labelSelector=autoscaler%3Dwatched'),
    want: [404, 'NotFound', 'mode is Observe'],
  },
  'a decision that may not be said': {
    url: value('gamma', '?labelSelector=autoscaler%3Dblind'),
    want: [503, 'ServiceUnavailable', 'no signal is known since 01:00:00'],
  },
  'a selector that is none': {
    url: value('alpha', '?labelSelector=a%3E1'),
    want: [
      400,
      'BadRequest',
      'unable to parse requirement: "a>1" must be one of requirements as a=b, a!=b, a in (b,c), a notin (b,c), a or !a, joined by \',\'',
    ],
  },
  'a watch': {
    url: value('alpha', '?watch=true'),
    want: [405, 'MethodNotAllowed', 'external metrics cannot be watched'],
  },
  'a metric without a namespace': {
    url: `${base}/${metric}`,
    want: [404, 'NotFound', 'the server could not find the requested resource'],
  },
  'a namespace without a metric': {
    url: `${base}/namespaces/alpha`,
    want: [404, 'NotFound', 'the server could not find the requested resource'],
  },
  'a part too many': {
    url: `${base}/namespaces/alpha/group/${metric}`,
    want: [404, 'NotFound', 'the server could not find the requested resource'],
  },
  'a slash at the end': {
    url: `${value('alpha')}/`,
    want: [404, 'NotFound', 'the server could not find the requested resource'],
  },
  '/apis/ with a slash': { url: '/apis/', want: [404, 'NotFound', 'the server could not find the requested resource'] },
  'a slash in disguise': {
    url: value('alpha', '', '..%2F..%2Fsecrets'),
    want: [404, 'NotFound', 'the server could not find the metric "../../secrets" for "alpha"'],
  },
};
describe('never a wrong number: refused with a Status is', () => {
  for (const [name, { url, want }] of Object.entries(refusals)) {
    test(`${name}`, async () => {
      const answer = await door().get(url);
      expect(status(answer)).toStrictEqual([want[0], ...want]);
      expect(answer.json()).toMatchObject({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' });
      expect(answer.headers['retry-after']).toBeUndefined();
      expect(answer.headers['content-type']).toBe('application/json');
    });
  }
  test('a process that knows no decision', async () => {
    const { get, source } = door();
    source.isLeading = false;
    expect(status(await get(value('alpha')))).toStrictEqual([
      503,
      503,
      'ServiceUnavailable',
      'no pass has been made by this process',
    ]);
  });
  test('a fault of our own, which is also told', async () => {
    const source = new FakeSource([series('alpha', 'chat', { milli: 2n ** 63n })]);
    const { get, failures } = door({ source });
    expect(status(await get(value('alpha')))).toStrictEqual([
      500,
      500,
      'InternalError',
      expect.stringContaining('must fit 64 bits'),
    ]);
    expect(failures).toStrictEqual([value('alpha')]);
  });
  test('a method that writes', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      const answer = await door().get(value('alpha'), { method });
      expect([answer.statusCode, answer.headers['allow'], answer.json().reason]).toStrictEqual([
        405,
        'GET, HEAD',
        'MethodNotAllowed',
      ]);
    }
  });
});

describe('discovery', () => {
  test('legacy documents name group, version and metrics', async () => {
    const { get } = door();
    expect((await get('/apis')).json()).toMatchObject({
      kind: 'APIGroupList',
      groups: [{ name: 'external.metrics.k8s.io' }],
    });
    expect((await get('/apis/external.metrics.k8s.io')).json()).toStrictEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'external.metrics.k8s.io',
      versions: [{ groupVersion: 'external.metrics.k8s.io/v1beta1', version: 'v1beta1' }],
      preferredVersion: { groupVersion: 'external.metrics.k8s.io/v1beta1', version: 'v1beta1' },
    });
    const list = (await get(base)).json();
    expect(list).toMatchObject({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'external.metrics.k8s.io/v1beta1',
    });
    expect(list.resources[0]).toStrictEqual({
      name: metric,
      singularName: '',
      namespaced: true,
      kind: 'ExternalMetricValueList',
      verbs: ['get'],
    });
  });
  test('the aggregated document has its exact type and an ETag that is honoured', async () => {
    const { get } = door();
    const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const headers = { ...asAdmin, accept: `${type},application/json` };
    const answer = await get('/apis', { headers });
    expect([answer.statusCode, answer.headers['content-type'], answer.headers['vary']]).toStrictEqual([
      200,
      type,
      'Accept',
    ]);
    expect(answer.json().items[0].versions[0].resources[0]).toMatchObject({
      resource: metric,
      responseKind: { kind: 'ExternalMetricValueList' },
      scope: 'Namespaced',
      verbs: ['get'],
    });
    const again = await get('/apis', { headers: { ...headers, 'if-none-match': String(answer.headers['etag']) } });
    expect([again.statusCode, again.body]).toStrictEqual([304, '']);
  });
  test('is for everybody with a name, also without groups, and needs no leader', async () => {
    const { get, source } = door();
    source.isLeading = false;
    expect((await get(base, { headers: { 'x-remote-user': 'system:kube-aggregator' } })).statusCode).toBe(200);
    const anonymous = await door({ from: { isVerified: false, commonNames: [] } }).get(base);
    expect([anonymous.statusCode, anonymous.json().message]).toStrictEqual([
      403,
      `forbidden: User "system:anonymous" cannot get path "${base}"`,
    ]);
  });
  test('OpenAPI of both versions describes the list with its kind', async () => {
    const { get } = door();
    const name = 'io.k8s.metrics.pkg.apis.external_metrics.v1beta1.ExternalMetricValueList';
    const kind = [{ group: 'external.metrics.k8s.io', version: 'v1beta1', kind: 'ExternalMetricValueList' }];
    expect((await get('/openapi/v2')).json().definitions[name]['x-kubernetes-group-version-kind']).toStrictEqual(kind);
    const index = (await get('/openapi/v3')).json();
    const place = index.paths['apis/external.metrics.k8s.io/v1beta1'].serverRelativeURL;
    expect((await get(place)).json().components.schemas[name]['x-kubernetes-group-version-kind']).toStrictEqual(kind);
  });
  test('the version is told to anybody', async () => {
    const { get } = door({ from: { isVerified: false, commonNames: [] } });
    expect((await get('/version')).json()).toStrictEqual({ major: '0', minor: '1', gitVersion: 'v0.1.0' });
  });
});

describe('health', () => {
  test('is told to anybody and never depends on a leader', async () => {
    const { get, source } = door({ from: { isVerified: false, commonNames: [] } });
    source.isLeading = false;
    for (const path of ['/healthz', '/livez', '/readyz']) expect((await get(path)).body).toBe('ok');
  });
  test('readiness says what is missing', async () => {
    const answer = await door({ ready: () => 'closing' }).get('/readyz');
    expect([answer.statusCode, answer.body]).toStrictEqual([503, 'closing']);
  });
});

describe('what other replicas ask', () => {
  const path = `/forewarm/series/alpha/${metric}`;
  const from = { isVerified: false, commonNames: [] };
  const bearer = (token: string): InjectOptions => ({ headers: { authorization: `Bearer ${token}` } });
  test('only they may', async () => {
    const { get } = door({ from });
    expect((await get(path, bearer('peer-token'))).json().series[0].answer).toStrictEqual({ milli: '3000' });
    expect((await get(path, bearer('hpa-token'))).statusCode).toBe(403);
    expect((await get(path, { headers: {} })).statusCode).toBe(403);
    expect((await door().get(path)).statusCode).toBe(403);
  });
  test('is answered from this process alone', async () => {
    const { get, source } = door({ from });
    source.isLeading = false;
    expect((await get(path, bearer('peer-token'))).statusCode).toBe(503);
  });
});

test('requests are counted by kind of path and status, not by what they ask for', async () => {
  const { get, telemetry } = door();
  await get(value('alpha'));
  await get(value('*'));
  await get(base);
  await get('/no/such/path');
  const lines = (await telemetry.render())
    .split('\n')
    .filter((line) => line.startsWith('forewarm_metrics_api_requests_total'));
  expect(lines.sort()).toStrictEqual(
    [
      'forewarm_metrics_api_requests_total{route="/apis/external.metrics.k8s.io/v1beta1",code="200"} 1',
      'forewarm_metrics_api_requests_total{route="unknown",code="404"} 1',
      'forewarm_metrics_api_requests_total{route="value",code="200"} 1',
      'forewarm_metrics_api_requests_total{route="value",code="404"} 1',
    ].toSorted(),
  );
});
