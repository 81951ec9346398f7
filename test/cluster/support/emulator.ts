import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { EngineProfile } from '../../../src/core/model/profile.ts';
import { Replica, type ReplicaSnapshot } from '../../../src/sim/replica.ts';
import type { Engine } from './stand-in.ts';

/** `NotANumber` and `Frozen` are pages that look fine and are not; `Dark` closes the connection, `Hung` never answers. */
export type PageFault = 'None' | 'Dark' | 'Hung' | 'NotANumber' | 'Frozen' | 'LoginPage';

/** A small engine: four sequences at once, about 25 ms a step, so that a few requests a second make a queue. */
export const smallEngine: EngineProfile = {
  name: 'suite-small',
  alpha: 20,
  w: 0,
  beta: 0.05,
  gamma: 0,
  delta: 1,
  kappa: 0,
  gq: 0,
  tau0: 0,
  kvCapacityTokens: 4096,
  blockTokens: 16,
  maxNumSeqs: 4,
  maxBatchedTokens: 512,
  gpusPerReplica: 1,
  weightsBytes: 16_000_000,
  validity: 'made up for the cluster suite',
  isValidated: false,
};

/** As fast as an engine of which nothing is known is taken to be, and bounded by its KV cache: about two requests of 200 tokens a second. */
export const tightEngine: EngineProfile = { ...smallEngine, name: 'suite-tight', alpha: 10, kvCapacityTokens: 832 };

/** The simulator's replica model behind HTTP in real time, with vLLM's metrics page. Its queue falls only because requests are served. */
export class Emulator implements Engine {
  readonly #server: Server;
  readonly #replica: Replica;
  readonly #answers = new Map<number, ServerResponse>();
  readonly #timer: NodeJS.Timeout;
  #frozen: ReplicaSnapshot | undefined;
  #nextId = 1;
  fault: PageFault = 'None';

  private constructor(profile: EngineProfile) {
    const finished = (id: number): void => this.#finish(id);
    this.#replica = new Replica({
      profile,
      startMs: performance.now(),
      observer: { firstToken: () => undefined, finished },
    });
    this.#timer = setInterval(() => this.#replica.advance(performance.now()), 10);
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  static async listen(address: string, profile: EngineProfile = smallEngine, port = 8000): Promise<Emulator> {
    const emulator = new Emulator(profile);
    await new Promise<void>((resolve, reject) => {
      emulator.#server.once('error', reject);
      emulator.#server.listen(port, address, resolve);
    });
    return emulator;
  }

  snapshot(): ReplicaSnapshot {
    this.#replica.advance(performance.now());
    return this.#replica.snapshot();
  }

  /** Ends at once: what runs is lost, as by SIGKILL. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/metrics') return this.#page(response);
    if (request.url === '/health') return void response.end();
    if (request.url !== '/v1/completions') return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.#accept(Buffer.concat(chunks).toString(), response));
  }

  #accept(text: string, response: ServerResponse): void {
    const body = JSON.parse(text) as { prompt: string; max_tokens: number };
    const id = this.#nextId++;
    const promptTokens = Math.max(1, body.prompt.trim().split(' ').length);
    const taken = this.#replica.submit({ id, promptTokens, outputTokens: body.max_tokens }, performance.now());
    if (!taken) return void response.writeHead(400).end();
    this.#answers.set(id, response);
  }

  #finish(id: number): void {
    this.#answers.get(id)?.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"text_completion"}');
    this.#answers.delete(id);
  }

  #page(response: ServerResponse): void {
    if (this.fault === 'Dark') return void response.socket?.destroy();
    if (this.fault === 'Hung') return;
    if (this.fault === 'LoginPage') {
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<html><body>Please sign in</body></html>');
    }
    if (this.fault === 'Frozen') this.#frozen ??= this.snapshot();
    else this.#frozen = undefined;
    const text = exposition(this.#frozen ?? this.snapshot(), this.fault === 'NotANumber');
    response.writeHead(200, { 'content-type': 'text/plain; version=1.0.0; charset=utf-8' }).end(text);
  }
}

function exposition(now: ReplicaSnapshot, isBroken: boolean): string {
  const labels = 'engine="0",model_name="m"';
  const gauge = (name: string, value: number): string =>
    `# TYPE vllm:${name} gauge\nvllm:${name}{${labels}} ${isBroken ? 'NaN' : value}\n`;
  const counter = (name: string, value: number): string =>
    `# TYPE vllm:${name} counter\nvllm:${name}_total{${labels}} ${value}\n`;
  const histogram = (name: string, sum: number, count: number): string =>
    `# TYPE vllm:${name} histogram\nvllm:${name}_bucket{${labels},le="+Inf"} ${count}\nvllm:${name}_sum{${labels}} ${sum}\nvllm:${name}_count{${labels}} ${count}\n`;
  return [
    gauge('num_requests_running', now.running),
    gauge('num_requests_waiting', now.waiting),
    gauge('kv_cache_usage_perc', now.kvUse),
    `# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{${labels},block_size="16",num_gpu_blocks="${now.kvCapacityTokens / 16 + 1}",kv_cache_size_tokens="${now.kvCapacityTokens + 16}"} 1\n`,
    counter('prompt_tokens', now.promptTokensTotal),
    counter('generation_tokens', now.outputTokensTotal),
    counter('num_preemptions', now.preemptionsTotal),
    counter('prefix_cache_queries', now.promptTokensTotal),
    counter('prefix_cache_hits', now.cachedPromptTokensTotal),
    `# TYPE vllm:request_success counter\nvllm:request_success_total{${labels},finished_reason="length"} ${now.finishedTotal}\n`,
    histogram('time_to_first_token_seconds', now.ttftSecondsSum, now.ttftCount),
    histogram('inter_token_latency_seconds', now.itlSecondsSum, now.itlCount),
    histogram('request_queue_time_seconds', now.queueSecondsSum, now.queueCount),
  ].join('');
}
