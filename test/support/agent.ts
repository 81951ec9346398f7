import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent as Connections } from 'undici';
import { onTestFinished } from 'vitest';
import type { DownloadDeps } from '../../src/agent/download.ts';
import type { JobDeps, ModelSource } from '../../src/agent/job.ts';
import { Pace } from '../../src/agent/pace.ts';
import { Turnstile } from '../../src/agent/turnstile.ts';
import { Singleflight } from '../../src/agent/singleflight.ts';
import { Hub } from '../../src/agent/sources/hub.ts';
import type { HubFile } from '../../src/agent/sources/listing.ts';
import { Store, type Wanted } from '../../src/agent/store.ts';
import { instant } from '../../src/core/model/units.ts';
import type { Clock } from '../../src/ports/index.ts';
import {
  digestOf,
  gitSha1,
  type HubContent,
  type HubOptions,
  type HubRepository,
  startHub,
  type TestHub,
} from './hub.ts';

/** A clock that runs ahead over short pauses, so that retries take no time; pauses of more than two minutes last until the signal. */
export class HurriedClock implements Clock {
  readonly slept: number[] = [];
  readonly #longest: number;
  #now = Date.UTC(2026, 0, 1);

  /** Pauses of more milliseconds than this last until the signal. */
  constructor(longest = 120_000) {
    this.#longest = longest;
  }

  now(): ReturnType<Clock['now']> {
    return instant(this.#now);
  }
  monotonic(): number {
    return this.#now;
  }
  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept.push(milliseconds);
    if (milliseconds > this.#longest) await aborted(signal);
    this.#now += milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** An empty folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-agent-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openHub(options: HubOptions): Promise<TestHub> {
  const hub = await startHub(options);
  onTestFinished(async () => await hub.close());
  return hub;
}

export function hubClient(endpoint: string, token?: string): Hub {
  const dispatcher = new Connections({ connections: 8 });
  onTestFinished(async () => await dispatcher.destroy());
  return new Hub({ endpoint, dispatcher, token: () => Promise.resolve(token) });
}

export interface Bench {
  readonly root: string;
  readonly store: Store;
  readonly clock: HurriedClock;
  readonly deps: JobDeps;
}

/** Store and downloads over a real folder; a disk that counts as full only when `fillPercent` says so. */
export async function openBench(source: ModelSource, options: Partial<BenchOptions> = {}): Promise<Bench> {
  const root = options.root ?? (await temporaryFolder());
  const clock = options.clock ?? new HurriedClock();
  const store = await Store.open({ fillPercent: 100, ...options, root, clock });
  return { root, store, clock, deps: { ...downloadDeps(store, clock), source, store, ...jobParts(options) } };
}

interface BenchOptions {
  readonly root: string;
  readonly clock: HurriedClock;
  readonly budgetBytes: number;
  readonly fillPercent: number;
  readonly onFailure: (err: unknown) => void;
  readonly onReady: (key: string) => void;
}

function downloadDeps(store: Store, clock: HurriedClock): Omit<DownloadDeps, 'source'> {
  return {
    pool: store.pool,
    partsDirectory: store.layout.parts,
    bootId: store.bootId,
    guard: async () => await store.room.guard(),
    clock,
    random: () => 0.5,
    pace: new Pace(clock, undefined),
    onBytes: () => undefined,
    onRetry: () => undefined,
  };
}

function jobParts(
  options: Partial<BenchOptions>,
): Pick<JobDeps, 'flights' | 'turnstile' | 'isAwaited' | 'onFetched' | 'onFailure' | 'onReady'> {
  return {
    flights: new Singleflight(),
    turnstile: new Turnstile(4),
    isAwaited: () => false,
    onFetched: () => undefined,
    onFailure: options.onFailure ?? (() => undefined),
    onReady: options.onReady ?? (() => undefined),
  };
}

/** The file as a hub lists it. */
export function listed(file: HubContent): HubFile {
  return { path: file.path, bytes: file.body.length, oid: gitSha1(file.body), digest: digestOf(file) };
}

export function wantedOf({ id, commit }: HubRepository, patterns: readonly string[] = []): Wanted {
  return { repo: id, commit, patterns, revisions: ['main'] };
}
