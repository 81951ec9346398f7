import { expect, test } from 'vitest';
import { restrictingFields, unservedFields } from '../../../src/adapters/kube/served-schema.ts';
import { KubeServer, type KubeJson, reply } from '../../support/kube-server.ts';
import { SkippingClock } from '../../support/step-clock.ts';

const signal = AbortSignal.timeout(30_000);
const object = (properties: KubeJson): KubeJson => ({ type: 'object', properties });
const leaf = { type: 'integer' };
const own = object({
  metadata: object({ name: leaf }),
  spec: object({
    paused: leaf,
    behavior: object({ scaleUp: object({ rate: leaf }) }),
    targets: { type: 'array', items: object({ maxReplicas: leaf }) },
    warmth: leaf,
  }),
  status: object({ decisions: leaf }),
});
const crd = {
  spec: {
    group: 'forewarm.dev',
    names: { kind: 'InferenceAutoscaler' },
    versions: [{ name: 'v1alpha1', schema: { openAPIV3Schema: own } }],
  },
};

async function missing(served: KubeJson): Promise<readonly string[]> {
  const server = await KubeServer.listen();
  server.interfere = ({ path }, response) => {
    if (path !== '/openapi/v3/apis/forewarm.dev/v1alpha1') return undefined;
    const known = { ...served, 'x-kubernetes-group-version-kind': [{ kind: 'InferenceAutoscaler' }] };
    reply(response, 200, { components: { schemas: { other: object({}), 'dev.forewarm.InferenceAutoscaler': known } } });
    return true;
  };
  return await unservedFields(server.http(new SkippingClock()), crd, signal);
}

test('a cluster that serves our own schema lacks nothing', async () => {
  expect(await missing(own)).toStrictEqual([]);
});

test('fields of a newer version are named, and those whose loss takes a limit away told apart', async () => {
  const old = object({
    spec: object({ paused: leaf, behavior: object({}), targets: { type: 'array', items: object({}) } }),
    status: object({}),
  });
  const lacks = await missing(old);
  expect(lacks).toStrictEqual([
    'spec.behavior.scaleUp',
    'spec.targets[].maxReplicas',
    'spec.warmth',
    'status.decisions',
  ]);
  expect(restrictingFields(lacks)).toStrictEqual(['spec.behavior.scaleUp', 'spec.targets[].maxReplicas']);
});

test('a kind that is not served at all lacks everything', async () => {
  const server = await KubeServer.listen();
  server.interfere = (_request, response) => {
    reply(response, 200, {});
    return true;
  };
  expect(await unservedFields(server.http(new SkippingClock()), crd, signal)).toStrictEqual(['spec', 'status']);
});
