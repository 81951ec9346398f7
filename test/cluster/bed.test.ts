import { afterAll, beforeAll, expect, test } from 'vitest';
import { isReady, connect, kubectl, makeNamespace, makeNodes } from './support/bed.ts';
import { until } from './support/wait.ts';

const api = connect();
const ns = 'bed';
const pods = `/api/v1/namespaces/${ns}/pods`;

beforeAll(async () => {
  await makeNodes(api, [
    { name: 'gpu-1', podCidr: '127.1.1.0/24', gpus: 8 },
    { name: 'gpu-2', podCidr: '127.1.2.0/24', gpus: 8 },
  ]);
  await makeNamespace(api, ns);
});
afterAll(async () => {
  await api.delete(`/apis/apps/v1/namespaces/${ns}/deployments/llm?propagationPolicy=Background`);
  await api.close();
});

test('the control plane is the real one, of the pinned version', () => {
  expect(kubectl(['version'])).toContain('Server Version: v1.37');
});

test('pods of 4 GPUs fill two nodes of 8 and the fifth is unschedulable', async () => {
  await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'llm' },
    spec: {
      replicas: 5,
      selector: { matchLabels: { app: 'llm' } },
      template: {
        metadata: { labels: { app: 'llm' }, annotations: { 'forewarm.test/load-delay': '300ms' } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            { name: 'engine', image: 'example.invalid/vllm:0.26', resources: { limits: { 'nvidia.com/gpu': '4' } } },
          ],
        },
      },
    },
  });
  const seen = await until(
    'four pods Ready and one refused',
    () => api.list(pods),
    (items) => items.filter(isReady).length === 4 && items.length === 5,
  );
  const addresses = seen.map((pod) => pod.status?.['podIP']).filter((ip) => ip !== undefined);
  expect(new Set(addresses).size).toBe(4);
  const refused = seen.find((pod) => !isReady(pod));
  expect(JSON.stringify(refused?.status)).toContain('Insufficient nvidia.com/gpu');
});
