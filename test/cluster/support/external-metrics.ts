import type { Api, KubeObject } from './api.ts';
import { rendered } from './deploy.ts';
import { condition } from './product.ts';
import { until } from './wait.ts';

const group = 'external.metrics.k8s.io';
export const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const apiService = `${apiServices}/v1beta1.${group}`;
const services = '/api/v1/namespaces/forewarm-system/services';

/**
 * Lets the API server find the metrics door on this machine. There is no kube-proxy here, so the Service of deploy/ is replaced by a name for localhost
 * and the APIService carries the port of the process: the only difference to deploy/.
 */
export async function serveExternalMetricsFrom(
  api: Api,
  port: number,
  change: { readonly insecureSkipTLSVerify?: true } = {},
): Promise<void> {
  await api.delete(`${services}/forewarm`);
  await api.create(services, {
    metadata: { name: 'forewarm' },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
  const ours = rendered().find((object) => object.kind === 'APIService');
  const service = { ...(ours?.spec?.['service'] as object), port };
  await api.delete(apiService);
  await api.create(apiServices, { ...ours, spec: { ...ours?.spec, service, ...change } });
}

/** Gives the one slot for external metrics to another Service, as another product that is installed would. */
export async function giveExternalMetricsTo(
  api: Api,
  service: { readonly namespace: string; readonly name: string; readonly port?: number },
): Promise<void> {
  await api.patch(apiService, { spec: { service } });
}

export async function externalMetricsAvailable(api: Api): Promise<void> {
  await until(
    'external metrics available',
    async () => condition(await api.get(apiService), 'Available'),
    (available) => available?.status === 'True',
    { seconds: 60 },
  );
}

/** Without a server behind it the namespaces of the cluster could not be deleted. */
export async function withdrawExternalMetrics(api: Api): Promise<void> {
  await api.delete(apiService);
  await api.delete(`${services}/forewarm`);
}

/** What an HPA of the namespace reads for the target now, or the error that it gets. */
export async function publishedFor(api: Api, namespace: string): Promise<number | string> {
  const labels = encodeURIComponent('autoscaler=chat,target=chat');
  const path = `/apis/${group}/v1beta1/namespaces/${namespace}/forewarm_desired_replicas?labelSelector=${labels}`;
  const { status, body } = await api.call('GET', path);
  if (status !== 200) return `${status}: ${body.message ?? ''}`;
  const [item] = (body.items ?? []) as readonly (KubeObject & { readonly value?: string })[];
  return Number(item?.value);
}
