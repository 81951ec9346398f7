import type { IncomingMessage, ServerResponse } from 'node:http';
import { MetricsServer } from './metrics-server.ts';

const groupVersion = 'external.metrics.k8s.io/v1beta1';

/** A metrics server that knows nothing and answers one number, always: what ours must not be. */
export class ConstantMetric extends MetricsServer {
  value: number;

  constructor(clusterDir: string, value: number) {
    super(clusterDir);
    this.value = value;
  }

  protected override answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const isMetric = url.includes('/namespaces/');
    const item = { metricName: 'forewarm_desired_replicas', metricLabels: {}, value: String(this.value) };
    const items = [{ ...item, timestamp: new Date().toISOString() }];
    const values = { kind: 'ExternalMetricValueList', apiVersion: groupVersion, metadata: {}, items };
    const names = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(isMetric ? values : names));
  }
}
