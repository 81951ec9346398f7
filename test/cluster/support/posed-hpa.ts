import type { Behavior } from '../../../src/core/model/policy.ts';
import type { Api, KubeObject } from './api.ts';
import { apiServices } from './external-metrics.ts';
import type { Posed, PosedMetrics } from './posed-metrics.ts';
import { condition } from './product.ts';
import { until } from './wait.ts';

const group = 'test.forewarm.dev';
const version = 'v1';
const plural = 'posedscales';
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const metricGroups = { 'external.metrics.k8s.io': 'v1beta1', 'custom.metrics.k8s.io': 'v1beta2' } as const;

/** A pod as the HPA tells pods apart. */
export type PosedPod = 'Ready' | 'Running' | 'Pending' | 'Failed';

export interface PosedMetric {
  readonly type: 'ExternalValue' | 'ExternalAverageValue' | 'Pods' | 'ObjectValue' | 'ObjectAverageValue';
  readonly targetMilli: bigint;
  readonly posed: Posed;
}

/** Everything one look of an HPA sees. */
export interface Question {
  readonly spec: number;
  readonly status: number;
  readonly pods: readonly PosedPod[];
  readonly min: number;
  readonly max: number;
  readonly metrics: readonly PosedMetric[];
  /** Absent: an HPA without `behavior`. */
  readonly behavior?: Behavior;
  readonly tolerance?: { readonly up: number; readonly down: number };
  /** At no replicas because this very HPA went there: any other target without replicas is left alone. */
  readonly isZeroed?: boolean;
}

/** What the controller made of it: the first size that it wrote, or none and why. */
export interface Answer {
  readonly replicas: number;
  /** Reasons of the conditions, in the order of the HPA's status. */
  readonly reasons: readonly string[];
}

/**
 * Poses questions to the real controller: an HPA on an object of our own with a scale, so that size, status and pods are what the question says and
 * nothing but the HPA moves them.
 */
export class PosedHpas {
  readonly #api: Api;
  readonly #namespace: string;
  readonly #metrics: PosedMetrics;

  private constructor(api: Api, namespace: string, metrics: PosedMetrics) {
    this.#api = api;
    this.#namespace = namespace;
    this.#metrics = metrics;
  }

  /** The namespace must exist. */
  static async begin(api: Api, namespace: string, metrics: PosedMetrics): Promise<PosedHpas> {
    await api.create(crds, scaleDefinition());
    await api.create(`/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: 'metrics' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    for (const [name, served] of Object.entries(metricGroups)) {
      const service = { namespace, name: 'metrics', port: metrics.port };
      await api.create(apiServices, {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: `${served}.${name}` },
        spec: {
          group: name,
          version: served,
          service,
          insecureSkipTLSVerify: true,
          groupPriorityMinimum: 100,
          versionPriority: 100,
        },
      });
    }
    const made = new PosedHpas(api, namespace, metrics);
    await made.#served();
    await made.#known();
    return made;
  }

  async end(): Promise<void> {
    for (const [name, served] of Object.entries(metricGroups))
      await this.#api.delete(`${apiServices}/${served}.${name}`);
    await this.#api.delete(`${crds}/${plural}.${group}`);
  }

  /** All that a question needs but the HPA: the controller must not look before its pods are what they are. */
  async prepare(name: string, question: Question): Promise<void> {
    const { isZeroed = false } = question;
    this.#pose(name, question, (posed) => (isZeroed ? { kind: 'Number', milli: 0n } : posed));
    const scales = `/apis/${group}/${version}/namespaces/${this.#namespace}/${plural}`;
    await this.#api.create(scales, {
      apiVersion: `${group}/${version}`,
      kind: 'PosedScale',
      metadata: { name },
      spec: { replicas: isZeroed ? 1 : question.spec },
    });
    const status = { replicas: question.status, selector: `question=${name}` };
    await this.#api.patch(`${scales}/${name}/status`, { status });
    await Promise.all(question.pods.map(async (pod, i) => this.#pod(name, i, pod)));
  }

  async ask(name: string, question: Question): Promise<void> {
    await this.#api.create(this.#hpas, hpaOf(name, question));
    if (question.isZeroed !== true) return;
    await until(
      `${name} went to zero`,
      () => this.#sizes(name),
      ([size]) => size === 0,
    );
    this.#pose(name, question, (posed) => posed);
  }

  #pose(name: string, { metrics }: Question, of: (posed: Posed) => Posed): void {
    metrics.forEach(({ posed }, i) => this.#metrics.pose(metricName(name, i), named(name, of(posed))));
  }

  /** After the controller looked: at a size it wrote, or at the conditions of a look that wrote none. `settleSeconds`: how long a lowering may be held. */
  async answer(name: string, { spec, isZeroed = false }: Question, settleSeconds: number): Promise<Answer> {
    await this.#lookedAt(name);
    const first = await this.#sizeAfter(name, isZeroed ? 1 : 0, settleSeconds);
    const { status } = await this.#api.get(`${this.#hpas}/${name}`);
    const conditions = (status?.['conditions'] ?? []) as readonly { readonly reason: string }[];
    return { replicas: first ?? spec, reasons: conditions.map(({ reason }) => reason) };
  }

  /** The size that the controller wrote after so many others; undefined when it wrote none for so long. */
  async #sizeAfter(name: string, others: number, seconds: number): Promise<number | undefined> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const size = (await this.#sizes(name))[others];
      if (size !== undefined || performance.now() > end) return size;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Sizes that the controller wrote, in their order. */
  async #sizes(name: string): Promise<readonly number[]> {
    const selector = encodeURIComponent(`involvedObject.name=${name},reason=SuccessfulRescale`);
    const events = await this.#api.list(`/api/v1/namespaces/${this.#namespace}/events?fieldSelector=${selector}`);
    return events.toSorted(byTime).map(sizeOf);
  }

  async #pod(name: string, i: number, state: PosedPod): Promise<void> {
    const pods = `/api/v1/namespaces/${this.#namespace}/pods`;
    await this.#api.create(pods, {
      metadata: { name: podName(name, i), labels: { question: name } },
      spec: { schedulerName: 'nobody', containers: [{ name: 'one', image: 'none' }] },
    });
    const ready = {
      type: 'Ready',
      status: state === 'Ready' ? 'True' : 'False',
      lastTransitionTime: new Date().toISOString(),
    };
    const phase = state === 'Ready' ? 'Running' : state;
    const status = { phase, startTime: new Date().toISOString(), conditions: [ready] };
    await this.#api.patch(`${pods}/${podName(name, i)}/status`, { status });
  }

  get #hpas(): string {
    return `/apis/autoscaling/v2/namespaces/${this.#namespace}/horizontalpodautoscalers`;
  }

  /**
   * The controller learns of a new kind within half a minute. What it is asked before then fails once a second, and uses up what it may tell of that
   * HPA in events.
   */
  async #known(): Promise<void> {
    const question = { spec: 1, status: 1, pods: [], min: 1, max: 1, metrics: [] };
    await this.prepare('first', question);
    await this.ask('first', question);
    await this.#lookedAt('first');
  }

  async #lookedAt(name: string): Promise<void> {
    await until(
      `${name} was looked at`,
      () => this.#api.get(`${this.#hpas}/${name}`),
      (seen) => condition(seen, 'AbleToScale')?.status === 'True',
      { seconds: 60 },
    );
  }

  /** The API server asks both groups now, and knows our scales. */
  async #served(): Promise<void> {
    for (const [name, served] of Object.entries(metricGroups)) {
      await until(
        `${name} is served`,
        () => this.#api.call('GET', `/apis/${name}/${served}`),
        ({ status }) => status === 200,
        { seconds: 60 },
      );
    }
    const scales = `/apis/${group}/${version}/namespaces/${this.#namespace}/${plural}`;
    await until(
      'scales are served',
      () => this.#api.call('GET', scales),
      ({ status }) => status === 200,
    );
  }
}

function podName(question: string, i: number): string {
  return `${question}-${i}`;
}

function metricName(question: string, i: number): string {
  return `${question}-m${i}`;
}

/** Samples of pods are posed by their position. */
function named(question: string, posed: Posed): Posed {
  if (posed.kind !== 'Pods') return posed;
  return {
    kind: 'Pods',
    milli: Object.fromEntries(Object.entries(posed.milli).map(([i, milli]) => [podName(question, Number(i)), milli])),
  };
}

function hpaOf(name: string, { min, max, metrics, behavior, tolerance }: Question): object {
  const { scaleUp, scaleDown } = behavior ?? {};
  const given = (rules: Behavior['scaleUp'] | undefined, share: number | undefined): object => ({
    ...rules,
    ...(share === undefined ? {} : { tolerance: String(share) }),
  });
  const rules = { scaleUp: given(scaleUp, tolerance?.up), scaleDown: given(scaleDown, tolerance?.down) };
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: `${group}/${version}`, kind: 'PosedScale', name },
      minReplicas: min,
      maxReplicas: max,
      metrics: metrics.map((metric, i) => metricOf(metricName(name, i), metric)),
      ...(behavior === undefined ? {} : { behavior: rules }),
    },
  };
}

function metricOf(name: string, { type, targetMilli }: PosedMetric): object {
  const value = `${targetMilli}m`;
  const target =
    type.endsWith('AverageValue') || type === 'Pods'
      ? { type: 'AverageValue', averageValue: value }
      : { type: 'Value', value };
  if (type === 'Pods') return { type: 'Pods', pods: { metric: { name }, target } };
  if (type.startsWith('External')) return { type: 'External', external: { metric: { name }, target } };
  return {
    type: 'Object',
    object: { metric: { name }, target, describedObject: { apiVersion: 'v1', kind: 'Service', name: 'metrics' } },
  };
}

function scaleDefinition(): object {
  const whole = { type: 'integer', format: 'int32' };
  const properties = {
    spec: { type: 'object', properties: { replicas: whole } },
    status: { type: 'object', properties: { replicas: whole, selector: { type: 'string' } } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: 'posedscale', kind: 'PosedScale', listKind: 'PosedScaleList' },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
        },
      ],
    },
  };
}

/** `New size: 6; reason: ...` */
function sizeOf(event: KubeObject): number {
  return Number(/New size: (\d+)/.exec(String(event['message']))?.[1]);
}

/** Events count seconds only: what came first of one second is told by the number that the store gave it. */
function byTime(a: KubeObject, b: KubeObject): number {
  return Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);
}
