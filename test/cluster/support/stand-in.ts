import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Api, KubeObject } from './api.ts';

/** A server process of the test that stands for the engine of one pod. */
export interface Engine {
  stop(): Promise<void>;
}

export interface StandInOptions {
  readonly namespace: string;
  readonly selector: string;
  /** The engine listens on the pod's address, port 8000. */
  readonly startEngine: (address: string, pod: KubeObject) => Promise<Engine>;
  /** Folder that the node's agent fills, by node name; absent: pods need no weights. */
  readonly cacheDir?: (node: string) => string;
  /** What must stand in the folder before an engine can start, relative to it. */
  readonly published?: string;
  /** Seconds from weights to a serving engine. */
  readonly engineSeconds: number;
}

/**
 * Plays the node's container runtime: kwok moves the pods, this starts what runs inside them. A pod of the recipe waits for its weights as the init container
 * does (the files decide, nothing else), then its engine starts on the pod's own address and kwok is told that the pod may be Ready.
 */
export class NodeStandIn {
  readonly #api: Api;
  readonly #options: StandInOptions;
  readonly #engines = new Map<string, Engine>();
  readonly #starting = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopped = false;
  /** Seconds that each started pod waited for its weights, by pod name. */
  readonly waited: Map<string, number> = new Map();

  constructor(api: Api, options: StandInOptions) {
    this.#api = api;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), 150);
  }

  engineOf(uid: string): Engine | undefined {
    return this.#engines.get(uid);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#engines.values()].map((engine) => engine.stop()));
    this.#engines.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { namespace, selector } = this.#options;
      const pods = await this.#api.list(
        `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`,
      );
      const present = new Set(pods.map((pod) => pod.metadata.uid));
      for (const [uid, engine] of this.#engines) if (!present.has(uid)) await this.#end(uid, engine);
      for (const pod of pods) if (this.#mayStart(pod)) void this.#begin(pod);
    } catch {
      // The API server may be cut off on purpose; the next look comes in 150 ms.
    } finally {
      this.#looking = false;
    }
  }

  #mayStart(pod: KubeObject): boolean {
    const uid = pod.metadata.uid ?? '';
    const isRunning = pod.status?.['phase'] === 'Running' && pod.status['podIP'] !== undefined;
    return (
      isRunning && pod.metadata.deletionTimestamp === undefined && !this.#engines.has(uid) && !this.#starting.has(uid)
    );
  }

  async #begin(pod: KubeObject): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    this.#starting.add(uid);
    try {
      const began = performance.now();
      if (!(await this.#weights(pod))) return;
      this.waited.set(pod.metadata.name, (performance.now() - began) / 1000);
      await pause(this.#options.engineSeconds);
      this.#engines.set(uid, await this.#options.startEngine(String(pod.status?.['podIP']), pod));
      await this.#api.patch(path(pod), { metadata: { annotations: { 'forewarm.test/hold': null } } });
    } catch {
      // The pod went away while it started: the next look finds what is true.
    } finally {
      this.#starting.delete(uid);
    }
  }

  /** Waits as the recipe's init container does and says so in the pod's status; false when the pod is gone. */
  async #weights(pod: KubeObject): Promise<boolean> {
    const { cacheDir, published } = this.#options;
    if (cacheDir === undefined || published === undefined) return true;
    const folder = join(cacheDir(String(pod.spec?.['nodeName'])), published);
    await this.#initStatus(pod, { running: { startedAt: new Date().toISOString() } });
    while (!existsSync(folder)) {
      if (this.#stopped || (await this.#api.find(path(pod))) === undefined) return false;
      await pause(0.1);
    }
    const now = new Date().toISOString();
    await this.#initStatus(pod, { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } });
    return true;
  }

  async #initStatus(pod: KubeObject, state: unknown): Promise<void> {
    const containers = (pod.spec?.['initContainers'] ?? []) as { name: string; image: string }[];
    const statuses = containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready: true,
      restartCount: 0,
      state,
    }));
    if (statuses.length > 0)
      await this.#api.patch(`${path(pod)}/status`, { status: { initContainerStatuses: statuses } });
  }

  async #end(uid: string, engine: Engine): Promise<void> {
    this.#engines.delete(uid);
    await engine.stop();
  }
}

function path(pod: KubeObject): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
