import { group, groupVersion, version } from './status.ts';

/** Documents by which kubectl, client-go and the aggregator learn what is served. Deterministic: their ETags are stable. */
const gv = { groupVersion, version };

export const apiGroup: object = {
  kind: 'APIGroup',
  apiVersion: 'v1',
  name: group,
  versions: [gv],
  preferredVersion: gv,
};

export const apiGroupList: object = { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] };

/** Never empty: clients take an empty list for a broken server. Never more verbs: the garbage collector would start to watch. */
function namesOf(metrics: readonly string[]): readonly string[] {
  const names = [...new Set(metrics)].sort().slice(0, 100);
  return names.length === 0 ? ['externalmetrics'] : names;
}

export function apiResourceList(metrics: readonly string[]): object {
  const resources = namesOf(metrics).map((name) => ({
    name,
    singularName: '',
    namespaced: true,
    kind: 'ExternalMetricValueList',
    verbs: ['get'],
  }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

/** `v2`, or `v2beta1` for aggregators older than 1.30. */
export function groupDiscoveryList(metrics: readonly string[], discoveryVersion: string): object {
  const resources = namesOf(metrics).map((resource) => ({
    resource,
    responseKind: { group, version, kind: 'ExternalMetricValueList' },
    scope: 'Namespaced',
    singularResource: '',
    verbs: ['get'],
  }));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${discoveryVersion}`,
    metadata: {},
    items: [
      { metadata: { name: group, creationTimestamp: null }, versions: [{ version, resources, freshness: 'Current' }] },
    ],
  };
}

/** The version of aggregated discovery that an Accept header asks for first; undefined: plain JSON. */
export function discoveryVersionOf(accept: string): string | undefined {
  for (const range of accept.split(',')) {
    const parameters = range.split(';').map((part) => part.trim());
    const isDiscovery = parameters.includes('g=apidiscovery.k8s.io') && parameters.includes('as=APIGroupDiscoveryList');
    const asked = parameters.find((part) => part === 'v=v2' || part === 'v=v2beta1');
    if (isDiscovery && asked !== undefined) return asked.slice(2);
  }
  return undefined;
}

const definition = 'io.k8s.metrics.pkg.apis.external_metrics.v1beta1';
const listName = `${definition}.ExternalMetricValueList`;
const valueName = `${definition}.ExternalMetricValue`;
const dataPath = `/apis/${groupVersion}/namespaces/{namespace}/{metricName}`;

function schemas(reference: (name: string) => string): Readonly<Record<string, object>> {
  const text = (description: string): object => ({ type: 'string', description });
  return {
    [valueName]: {
      description: 'One value of an external metric.',
      type: 'object',
      required: ['metricName', 'metricLabels', 'timestamp', 'value'],
      properties: {
        metricName: text('name of the metric'),
        metricLabels: { type: 'object', additionalProperties: { type: 'string' }, description: 'labels of the series' },
        timestamp: { type: 'string', format: 'date-time', description: 'when the value was true' },
        window: { type: 'integer', format: 'int64', description: 'seconds over which a rate was taken' },
        value: text('a quantity'),
      },
    },
    [listName]: {
      description: 'Values of one external metric.',
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: text('version of this representation'),
        kind: text('kind of this object'),
        metadata: { type: 'object', description: 'standard list metadata' },
        items: { type: 'array', items: { $ref: reference(valueName) }, description: 'one item a series' },
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind: 'ExternalMetricValueList' }],
    },
  };
}

const kind = { group, version, kind: 'ExternalMetricValueList' };
const operation = {
  description: 'read an external metric',
  operationId: 'listExternalMetricsV1beta1NamespacedMetric',
  tags: ['externalMetrics_v1beta1'],
  'x-kubernetes-action': 'list',
  'x-kubernetes-group-version-kind': kind,
};

export const openApiV2: object = {
  swagger: '2.0',
  info: { title: 'Forewarm', version },
  paths: {
    [dataPath]: {
      get: {
        ...operation,
        produces: ['application/json'],
        responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${listName}` } } },
      },
      parameters: ['namespace', 'metricName'].map((name) => ({ name, in: 'path', required: true, type: 'string' })),
    },
  },
  definitions: schemas((name) => `#/definitions/${name}`),
};

export const openApiV3: object = {
  openapi: '3.0.0',
  info: { title: 'Forewarm', version },
  paths: {
    [dataPath]: {
      get: {
        ...operation,
        responses: {
          200: {
            description: 'OK',
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${listName}` } } },
          },
        },
      },
      parameters: ['namespace', 'metricName'].map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
    },
  },
  components: { schemas: schemas((name) => `#/components/schemas/${name}`) },
};

export function openApiV3Index(hash: string): object {
  const path = `apis/${groupVersion}`;
  return { paths: { [path]: { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` } } };
}
