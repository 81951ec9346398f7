import { readFileSync, renameSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api } from './api.ts';
import { bedDir, freePort } from './bed.ts';
import { Child } from './child.ts';
import { until } from './wait.ts';

/** A real Prometheus that scrapes the pods of one namespace each second, with the labels that Kubernetes discovery would give them. */
export class Prometheus {
  readonly #api: Api;
  readonly #pods: string;
  readonly #port: number;
  readonly #dir = mkdtempSync(join(tmpdir(), 'forewarm-prometheus.'));
  #child: Child;
  #targets = '';
  readonly #timer: NodeJS.Timeout;

  private constructor(api: Api, pods: string, port: number) {
    this.#api = api;
    this.#pods = pods;
    this.#port = port;
    writeFileSync(join(this.#dir, 'targets.json'), '[]');
    this.#child = this.#run();
    this.#timer = setInterval(() => void this.#follow(), 300);
  }

  static async start(api: Api, namespace: string, selector: string): Promise<Prometheus> {
    const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
    const prometheus = new Prometheus(api, pods, await freePort());
    await prometheus.#ready();
    return prometheus;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** SIGKILL to the server itself; the script around it cleans up. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const child of children) process.kill(Number(child), 'SIGKILL');
    await this.#child.exited;
  }

  /** At the same address, with nothing of what it knew. */
  async restart(): Promise<void> {
    this.#child = this.#run();
    await this.#ready();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#child.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #run(): Child {
    return new Child('prometheus', join(bedDir, 'prometheus/run.sh'), [this.#dir], { PORT: String(this.#port) });
  }

  async #ready(): Promise<void> {
    await until(
      'Prometheus is ready',
      () => this.#child.output,
      (text) => text.includes('PROMETHEUS_URL='),
    );
  }

  async #follow(): Promise<void> {
    try {
      const pods = (await this.#api.list(this.#pods)).filter(({ status }) => status?.['podIP'] !== undefined);
      const targets = pods.map(({ metadata: { namespace, name }, status }) => ({
        targets: [`${String(status?.['podIP'])}:8000`],
        labels: { namespace, pod: name },
      }));
      const text = JSON.stringify(targets);
      if (text === this.#targets) return;
      writeFileSync(join(this.#dir, 'targets.new'), text);
      renameSync(join(this.#dir, 'targets.new'), join(this.#dir, 'targets.json'));
      this.#targets = text;
    } catch {
      // The API server may be cut off on purpose; the next look comes in 300 ms.
    }
  }
}
