import { isJson, type Json, list, number, object, optional, text, texts, time } from './fields.ts';
import { type LabelSelector, selectorOf } from './selector.ts';
import { type Kept, versionOf } from './store.ts';

export interface TargetRef {
  /** The target's own name. */
  readonly target: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

export interface SignalSettings {
  readonly source: 'Pods' | 'Prometheus';
  readonly engine: string;
  readonly port?: number;
  readonly path: string;
  readonly scheme: 'http' | 'https';
  readonly prometheusUrl?: string;
  readonly intervalSeconds: number;
  /** The endpoint picker before the replicas. */
  readonly gateway?: GatewaySettings;
}

export interface GatewaySettings {
  readonly selector: LabelSelector;
  readonly port: number;
  readonly inferencePool?: string;
}

/** An InferenceAutoscaler: what observing needs, read out; and the whole object for the codec and for status. */
export interface AutoscalerKept extends Kept {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly createdAt: number;
  readonly mode: string;
  readonly targets: readonly TargetRef[];
  readonly signals: SignalSettings;
  readonly selector?: LabelSelector;
  readonly inferencePool?: string;
  readonly artifact?: string;
  readonly policyName: string;
  readonly priority?: string;
  readonly raw: Json;
}

export function keepAutoscaler(raw: unknown): AutoscalerKept | undefined {
  const name = text(raw, 'metadata', 'name');
  if (name === undefined || !isJson(raw)) return undefined;
  const selector = selectorOf(object(raw, 'spec', 'pool', 'selector'));
  const hasSelector =
    text(raw, 'spec', 'pool', 'inferencePoolRef', 'name') === undefined && isJson(object(raw, 'spec')['pool']);
  return {
    ...versionOf(raw),
    namespace: text(raw, 'metadata', 'namespace') ?? '',
    name,
    generation: number(raw, 'metadata', 'generation') ?? 0,
    createdAt: time(raw, 'metadata', 'creationTimestamp') ?? 0,
    mode: text(raw, 'spec', 'mode') ?? 'Observe',
    targets: list(raw, 'spec', 'targets').map(targetOf),
    signals: signalsOf(object(raw, 'spec', 'signals')),
    ...(hasSelector ? { selector } : {}),
    ...optional('inferencePool', text(raw, 'spec', 'pool', 'inferencePoolRef', 'name')),
    ...optional('artifact', text(raw, 'spec', 'warmth', 'modelArtifactRef', 'name')),
    policyName: text(raw, 'spec', 'policyRef', 'name') ?? 'balanced',
    ...optional('priority', text(raw, 'spec', 'priority')),
    raw: withoutManagedFields(raw),
  };
}

function targetOf(raw: unknown): TargetRef {
  const name = text(raw, 'scaleTargetRef', 'name') ?? '';
  return {
    target: text(raw, 'name') ?? name,
    apiVersion: text(raw, 'scaleTargetRef', 'apiVersion') ?? 'apps/v1',
    kind: text(raw, 'scaleTargetRef', 'kind') ?? 'Deployment',
    name,
  };
}

function signalsOf(raw: Json): SignalSettings {
  const source = raw['source'] === 'Prometheus' ? 'Prometheus' : 'Pods';
  return {
    source,
    engine: text(raw, 'engine') ?? 'Auto',
    ...optional('port', number(raw, 'port')),
    path: text(raw, 'path') ?? '/metrics',
    scheme: raw['scheme'] === 'HTTPS' ? 'https' : 'http',
    ...optional('prometheusUrl', text(raw, 'prometheus', 'url')),
    intervalSeconds: number(raw, 'scrapeIntervalSeconds') ?? (source === 'Pods' ? 1 : 15),
    ...optional('gateway', gatewayOf(object(raw, 'gateway'))),
  };
}

function gatewayOf(raw: Json): GatewaySettings | undefined {
  const labels = texts(raw, 'matchLabels');
  if (Object.keys(labels).length === 0) return undefined;
  return {
    selector: { labels, expressions: [] },
    port: number(raw, 'port') ?? 9090,
    ...optional('inferencePool', text(raw, 'inferencePool')),
  };
}

function withoutManagedFields(raw: Json): Json {
  const { managedFields: _, ...metadata } = object(raw, 'metadata');
  return { ...raw, metadata };
}
