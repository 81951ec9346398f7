import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrometheusSource } from '../../../src/adapters/prometheus/source.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { ReplicaAddress, ReplicaReading } from '../../../src/ports/replica-reader.ts';
import { twoRanks } from '../engines/vllm-pages.ts';

const folder =
  process.env['KUBEBUILDER_ASSETS'] ?? join(process.env['CACHE_DIR'] ?? join(homedir(), '.cache/forewarm'), 'bin');
const binary = join(folder, 'prometheus');
const isAbsent = !existsSync(binary);

const replica = (pod: string): ReplicaAddress => {
  const place = { address: '127.0.0.1', port: 1, path: '/metrics', scheme: 'http' } as const;
  return { id: pod, pool: 'team-a/chat', ...place, engine: 'Auto', namespace: 'team-a', pod };
};

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const place = server.address();
      resolve(typeof place === 'object' && place !== null ? place.port : 0);
    });
  });
}

/** Asks again until the answer is as wanted; the test's own time-out ends a vain wait. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(isAbsent)(`a real Prometheus${isAbsent ? ' (2 cases: no prometheus binary in the cache)' : ''}`, () => {
  const work = mkdtempSync(join(tmpdir(), 'forewarm-prometheus-'));
  const engine = createServer((_, response) => response.end(twoRanks));
  let server: ChildProcess;
  let source: PrometheusSource;

  beforeAll(async () => {
    const enginePort = await listening(engine);
    const probe = createServer();
    const port = await listening(probe);
    await new Promise((resolve) => void probe.close(resolve));
    const labels = (pod: string): object => ({ namespace: 'team-a', pod });
    const target = [`127.0.0.1:${enginePort}`];
    const config = {
      global: { scrape_interval: '250ms', scrape_timeout: '200ms' },
      scrape_configs: ['vllm', 'again'].map((job) => ({
        job_name: job,
        static_configs: [{ targets: target, labels: labels('chat-1') }],
      })),
    };
    writeFileSync(join(work, 'prometheus.yml'), JSON.stringify(config));
    const flags = [`--config.file=${work}/prometheus.yml`, `--storage.tsdb.path=${work}/data`, '--log.level=error'];
    server = spawn(binary, [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    source = new PrometheusSource({ endpoint: `http://127.0.0.1:${port}` });
  });
  afterAll(async () => {
    source.close();
    engine.closeAllConnections();
    engine.close();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    rmSync(work, { recursive: true });
  });

  async function read(pod: string): Promise<ReplicaReading | undefined> {
    const readings = await source.read([replica(pod)], instant(Date.now()), new AbortController().signal);
    return readings.get(pod);
  }

  test('answers every query we make, and a pod of two jobs counts once', async () => {
    const reading = await until(
      () => read('chat-1'),
      (answer) => answer?.samples.finishedTotal.kind === 'value' && answer.samples.kvUse.kind === 'value',
    );
    expect(reading?.problem).toBeUndefined();
    expect(reading?.samples.running).toMatchObject({ kind: 'value', value: 12 });
    expect(reading?.samples.kvUse).toMatchObject({ kind: 'value', value: 0.5 });
    expect(reading?.samples.finishedTotal).toMatchObject({ value: 9 });
    expect(reading?.samples.kvCapacityTokens).toMatchObject({ value: 3168 });
    expect(reading?.samples.queueCount).toStrictEqual({ kind: 'missing', cause: 'NoSeries' });
    expect((await read('chat-2'))?.failure).toBe('NoSeries');
  });

  test('an engine that died is missing after its next scrape, not the last value', async () => {
    engine.closeAllConnections();
    engine.close();
    const reading = await until(
      () => read('chat-1'),
      (answer) => answer?.samples.running.kind === 'missing',
    );
    expect(reading?.samples.running).toStrictEqual({ kind: 'missing', cause: 'NoSeries' });
    expect(reading?.problem).toContain('Prometheus has no series of pod team-a/chat-1');
  });
});
