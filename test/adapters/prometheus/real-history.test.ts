import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrometheusHistory } from '../../../src/adapters/prometheus/history.ts';
import { instant } from '../../../src/core/model/units.ts';
import type { PastReading } from '../../../src/ports/history-reader.ts';

const folder =
  process.env['KUBEBUILDER_ASSETS'] ?? join(process.env['CACHE_DIR'] ?? join(homedir(), '.cache/forewarm'), 'bin');
const isAbsent = !['prometheus', 'promtool'].every((name) => existsSync(join(folder, name)));

const minute = 60;
const scrape = 15;
const end = Math.floor(Date.now() / 1000 / minute) * minute - 3600;
const begin = end - 120 * minute;

/** Each pod's requests a second at a time before `end`, in minutes; 100 prompt and 20 output tokens a request, a quarter of the prompt cached. */
const pods: Readonly<Record<string, (minutes: number) => number | undefined>> = {
  // Restarts after the first hour: its counters begin again.
  'chat-0': () => 2,
  // Lived for the second hour only, and was scraped by two jobs.
  'chat-1': (minutes) => (minutes >= 60 ? 3 : undefined),
  // Of another pool.
  'chat-large-0': () => 50,
};

type Add = (name: string, labels: string, at: number, value: number) => void;

/** The pages of all pods through time, as Prometheus imports them. */
function recorded(): string {
  const samples: Record<string, Record<string, string[]>> = {};
  const add: Add = (name, labels, at, value) => {
    ((samples[name] ??= {})[labels] ??= []).push(`${name}{${labels}} ${value} ${at}`);
  };
  for (const pod of Object.keys(pods)) {
    for (const job of pod === 'chat-1' ? ['a', 'b'] : ['a']) recordPod(pod, job, add);
  }
  const families = Object.entries(samples).map(([name, series]) => {
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    return `# TYPE ${name.replace(/_total$/, '')} ${type}\n${Object.values(series).flat().join('\n')}\n`;
  });
  return `${families.join('')}# EOF\n`;
}

function recordPod(pod: string, job: string, add: Add): void {
  const labels = `namespace="team-a",pod="${pod}",job="${job}"`;
  let count = 1000;
  for (let at = begin; at <= end; at += scrape) {
    const minutes = (at - begin) / minute;
    const requests = pods[pod]?.(minutes);
    if (requests === undefined || (minutes > 20 && minutes < 30)) continue;
    if (pod === 'chat-0' && minutes === 60) count = 0;
    count += requests * scrape;
    add('vllm:num_requests_running', labels, at, 4);
    add('vllm:num_requests_waiting', labels, at, pod === 'chat-1' ? minutes * minute : 0);
    add('vllm:request_success_total', `${labels},finished_reason="stop"`, at, count * 0.75);
    add('vllm:request_success_total', `${labels},finished_reason="length"`, at, count * 0.25);
    // Calls that were refused count not at all, and of the two families the larger is what finished.
    add('http_requests_total', `${labels},handler="/v1/completions",status="2xx"`, at, count / 2);
    add('http_requests_total', `${labels},handler="/v1/completions",status="4xx"`, at, count * 9);
    add('vllm:prompt_tokens_total', labels, at, count * 100);
    add('vllm:prefix_cache_hits_total', labels, at, count * 25);
    add('vllm:generation_tokens_total', labels, at, count * 20);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => void probe.close(resolve));
  return port;
}

describe.skipIf(isAbsent)(`the past in a real Prometheus${isAbsent ? ' (no binaries in the cache)' : ''}`, () => {
  const work = mkdtempSync(join(tmpdir(), 'forewarm-history-'));
  let server: ChildProcess;
  let history: PrometheusHistory;

  beforeAll(async () => {
    writeFileSync(join(work, 'past.txt'), recorded());
    const tool = ['tsdb', 'create-blocks-from', 'openmetrics', join(work, 'past.txt'), join(work, 'data')];
    execFileSync(join(folder, 'promtool'), tool, { stdio: 'ignore' });
    writeFileSync(join(work, 'prometheus.yml'), '{}');
    const port = await freePort();
    const flags = [`--config.file=${work}/prometheus.yml`, `--storage.tsdb.path=${work}/data`, '--log.level=error'];
    server = spawn(join(folder, 'prometheus'), [...flags, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    const endpoint = `http://127.0.0.1:${port}`;
    for (;;) {
      const ready = await fetch(`${endpoint}/-/ready`).catch(() => undefined);
      if (ready?.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    history = new PrometheusHistory({ endpoint });
  });
  afterAll(async () => {
    history.close();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    rmSync(work, { recursive: true });
  });

  function read(podPatterns: readonly string[]): Promise<PastReading> {
    return history.readPast(
      { namespace: 'team-a', podPatterns, engine: 'Auto' },
      { stepSeconds: minute, offsetSeconds: 0, spanSeconds: 14 * 86_400 },
      instant(1000 * (end + 10 * minute)),
      new AbortController().signal,
    );
  }

  test('each minute is the sum of what its pods did, with restarts, gaps, two jobs and cached prompts told apart', async () => {
    const { past, problem } = await read(['chat-[0-9]+']);
    expect(problem).toBeUndefined();
    const at = (minutes: number): unknown => past.bins.find((bin) => bin.at === 1000 * (begin + minutes * minute));
    const works = (requests: number, waiting = 0): object => ({
      requestsPerSecond: expect.closeTo(requests + waiting, 6),
      promptTokensPerSecond: expect.closeTo(requests * 75, 4),
      cachedTokensPerSecond: expect.closeTo(requests * 25, 4),
      outputTokensPerSecond: expect.closeTo(requests * 20, 4),
    });
    expect(at(10)).toMatchObject(works(2));
    expect(at(25)).toBeUndefined();
    expect(at(61)).toBeDefined();
    // A queue that grows by one a second is demand too.
    expect(at(90)).toMatchObject({ ...works(5, 1), waitingPerSecond: expect.closeTo(1, 6) });
    expect(at(121)).toBeDefined();
    expect(at(123)).toBeUndefined();
    expect(past.bins.every(({ requestsPerSecond }) => requestsPerSecond < 7)).toBe(true);
  });

  test('of a pool that never was there is no past', async () => {
    expect(await read(['code-[0-9]+'])).toStrictEqual({ past: { stepSeconds: minute, bins: [] } });
  });
});
