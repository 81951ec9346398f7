import type { IncomingMessage, ServerResponse } from 'node:http';
import { MetricsServer } from './metrics-server.ts';

const external = 'external.metrics.k8s.io/v1beta1';
const custom = 'custom.metrics.k8s.io/v1beta2';

/** What a metric answers: a number in thousandths, one of each pod that has a sample, or an error. */
export type Posed =
  | { readonly kind: 'Number'; readonly milli: bigint }
  | { readonly kind: 'Pods'; readonly milli: Readonly<Record<string, bigint>> }
  | { readonly kind: 'Error' };

/** A metrics server for external and custom metrics that answers what a test poses, by the name of the metric. */
export class PosedMetrics extends MetricsServer {
  readonly #posed = new Map<string, Posed>();

  pose(metric: string, posed: Posed): void {
    this.#posed.set(metric, posed);
  }

  protected override answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(url, 'https://localhost');
    const [, , group, version, , namespace, ...rest] = pathname.split('/');
    const groupVersion = `${group}/${version}`;
    if (namespace === undefined) {
      const names = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [] };
      return send(response, 200, names);
    }
    const metric = rest.at(-1) ?? '';
    const posed = this.#posed.get(metric);
    if (posed === undefined || posed.kind === 'Error') return send(response, 500, failure(metric));
    const items = groupVersion === external ? externalItems(metric, posed) : customItems(namespace, rest, posed);
    const kind = groupVersion === external ? 'ExternalMetricValueList' : 'MetricValueList';
    send(response, 200, { kind, apiVersion: groupVersion === external ? external : custom, metadata: {}, items });
  }
}

function externalItems(metricName: string, posed: Posed): readonly object[] {
  if (posed.kind !== 'Number') return [];
  return [{ metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: `${posed.milli}m` }];
}

/** A path that ends in pods, any, METRIC asks for all pods of a selector; one that ends in services, NAME, METRIC for one object. */
function customItems(
  namespace: string,
  [resource, name, metric = '']: readonly string[],
  posed: Posed,
): readonly object[] {
  const item = (kind: string, of: string, milli: bigint): object => ({
    describedObject: { apiVersion: 'v1', kind, namespace, name: of },
    metric: { name: metric },
    timestamp: new Date().toISOString(),
    value: `${milli}m`,
  });
  if (posed.kind === 'Number') return resource === 'services' ? [item('Service', name ?? '', posed.milli)] : [];
  if (posed.kind === 'Pods') return Object.entries(posed.milli).map(([pod, milli]) => item('Pod', pod, milli));
  return [];
}

function failure(metric: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500, message: `${metric} fails on purpose` };
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
