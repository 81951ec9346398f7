import type { Api, KubeObject } from './api.ts';
import { freePort } from './bed.ts';
import { ChatPool, type ChatPoolOptions } from './chat-pool.ts';
import type { Child } from './child.ts';
import { tightEngine } from './emulator.ts';
import {
  externalMetricsAvailable,
  publishedFor,
  serveExternalMetricsFrom,
  withdrawExternalMetrics,
} from './external-metrics.ts';
import { condition } from './product.ts';
import { until } from './wait.ts';

/** The recipe: the follower adds no window, no tolerance and no limit of its own to the decision. */
export const recipe: Readonly<Record<string, unknown>> = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    tolerance: '0',
    policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
  },
  scaleDown: {
    stabilizationWindowSeconds: 0,
    tolerance: '0',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 1 }],
  },
};

/** The recommendation itself goes up at once and down after a window, so that a loop takes seconds. */
export function ownBehavior(windowSeconds: number): Readonly<Record<string, unknown>> {
  return {
    scaleUp: { policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }] },
    scaleDown: {
      stabilizationWindowSeconds: windowSeconds,
      policies: [{ type: 'Percent', value: 100, periodSeconds: 1 }],
    },
  };
}

export interface FollowedPoolOptions extends ChatPoolOptions {
  /** `behavior` of the HPA; absent as in an HPA that says nothing. */
  readonly behavior?: Readonly<Record<string, unknown>>;
  /** @default true: the controller runs and serves external metrics. */
  readonly isServed?: boolean;
}

/** A pool in mode Recommend that a stock HPA sizes: it reads the controller's own metrics door through the real aggregation layer. */
export class FollowedPool {
  readonly pool: ChatPool;
  readonly #api: Api;
  controller: Child | undefined;
  port = 0;

  private constructor(api: Api, pool: ChatPool) {
    this.#api = api;
    this.pool = pool;
  }

  static async start(api: Api, options: FollowedPoolOptions): Promise<FollowedPool> {
    const autoscaler = { mode: 'Recommend', behavior: ownBehavior(60), ...options.autoscaler };
    // Two seconds of work a request: few requests are enough for a queue, and an engine that is told to end has time for what it holds.
    const pool = await ChatPool.start(api, {
      engine: tightEngine,
      outputTokens: 200,
      nodeGpus: 16,
      maxReplicas: 12,
      ...options,
      annotations: { 'forewarm.test/stop-delay': '8s', ...options.annotations },
      autoscaler,
    });
    const followed = new FollowedPool(api, pool);
    followed.port = await freePort();
    await serveExternalMetricsFrom(api, followed.port);
    if (options.isServed !== false) await followed.serve();
    await followed.createHpa(options.behavior);
    return followed;
  }

  /** The controller, which answers external metrics in its own process. */
  async serve(): Promise<void> {
    const here = `127.0.0.1:${this.port}`;
    const args = ['--adapter-listen', here, '--adapter-address', here];
    this.controller = await this.pool.product.startController({ args });
    await this.pool.decided();
    await externalMetricsAvailable(this.#api);
  }

  get hpaPath(): string {
    return `${this.#hpas}/chat`;
  }

  get #hpas(): string {
    return `/apis/autoscaling/v2/namespaces/${this.pool.namespace}/horizontalpodautoscalers`;
  }

  async createHpa(behavior: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const metric = {
      name: 'forewarm_desired_replicas',
      selector: { matchLabels: { autoscaler: 'chat', target: 'chat' } },
    };
    await this.#api.create(this.#hpas, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'chat' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
        minReplicas: 1,
        maxReplicas: 20,
        metrics: [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '1' } } }],
        ...(behavior === undefined ? {} : { behavior }),
      },
    });
  }

  async hpa(): Promise<KubeObject> {
    return await this.#api.get(this.hpaPath);
  }

  async setWindow(seconds: number): Promise<void> {
    await this.#api.patch(this.pool.autoscalerPath, { spec: { behavior: ownBehavior(seconds) } });
  }

  /** What the HPA would read now. */
  async published(): Promise<number | string> {
    return await publishedFor(this.#api, this.pool.namespace);
  }

  /** The decision as the object's status tells it. */
  async desired(): Promise<number> {
    return Number((await this.pool.autoscaler()).status?.['desiredReplicas']);
  }

  /** Waits for spec and ready pods. */
  async reaches(size: number, seconds: number): Promise<void> {
    await until(
      `${size} replicas`,
      async () => ({
        spec: await this.pool.specReplicas(),
        ready: await this.pool.readyPods(),
        why: await this.#why(),
      }),
      ({ spec, ready }) => spec === size && ready === size,
      { seconds },
    );
  }

  /** The decision with its reasons, for the message of a test that fails. */
  async #why(): Promise<string> {
    const { status } = await this.pool.autoscaler();
    return `decision ${JSON.stringify(status?.['desiredReplicas'])}: ${JSON.stringify(status?.['decisions'])}`;
  }

  async says(type: string, status: string, seconds = 60): Promise<string> {
    const said = await until(
      `${type} ${status}`,
      async () => condition(await this.pool.autoscaler(), type),
      (one) => one?.status === status,
      { seconds },
    );
    return `${said?.reason ?? ''}: ${said?.message ?? ''}`;
  }

  /** Changes the pod template, as a new image would. */
  async rollOut(strategy: Readonly<Record<string, unknown>>): Promise<void> {
    const template = { metadata: { annotations: { 'forewarm.test/revision': String(performance.now()) } } };
    const rollingUpdate = { maxSurge: '25%', maxUnavailable: 0, ...strategy };
    await this.#api.patch(this.pool.deploymentPath, {
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate }, template },
    });
  }

  /** How the Deployment counts its pods; a rollout is over when all counts say the size asked for. */
  async counts(): Promise<{ readonly spec: number; readonly status: number; readonly isRolledOut: boolean }> {
    const { metadata, spec, status } = await this.#api.get(this.pool.deploymentPath);
    const size = Number(spec?.['replicas']);
    const seen = ['replicas', 'updatedReplicas', 'availableReplicas'].map((name) => Number(status?.[name] ?? 0));
    const isObserved = status?.['observedGeneration'] === metadata.generation;
    return {
      spec: size,
      status: Number(status?.['replicas'] ?? 0),
      isRolledOut: isObserved && seen.every((n) => n === size),
    };
  }

  async stop(): Promise<void> {
    await this.#api.delete(this.hpaPath);
    await withdrawExternalMetrics(this.#api);
    await this.pool.stop();
  }
}
