import { mkdir } from 'node:fs/promises';
import { EnvHttpProxyAgent } from 'undici';
import { isForewarmError } from '../errors.ts';
import type { NodeCacheClient, NodeCacheStatus } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { type AgentDeps, runAgent } from './agent.ts';
import { diskFailure } from './failure.ts';
import type { JobDeps } from './job.ts';
import { Keeper } from './keeper.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { Pace } from './pace.ts';
import type { Random } from './retry.ts';
import { Singleflight } from './singleflight.ts';
import { Hub } from './sources/hub.ts';
import { Store } from './store.ts';
import { Turnstile } from './turnstile.ts';

/** The part of a logger that the agent uses. */
export interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface AgentSetup {
  readonly root: string;
  readonly hubEndpoint: string;
  readonly token: () => Promise<string | undefined>;
  readonly budget?: number | undefined;
  readonly watermark: number;
  readonly bandwidth?: number | undefined;
  readonly downloads: number;
  readonly client: NodeCacheClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: AgentLog;
  readonly telemetry: Telemetry;
  readonly isOnce: boolean;
}

export interface RunningAgent {
  run(signal: AbortSignal): Promise<NodeCacheStatus>;
  close(): Promise<void>;
}

/** Puts an agent together over a cache directory, which it makes where it is missing and owns until it is closed. */
export async function openAgent(setup: AgentSetup): Promise<RunningAgent> {
  try {
    await mkdir(setup.root, { recursive: true });
    return await openOwned(setup, await lockDirectory(setup.root));
  } catch (err) {
    throw diskFailure(err, `opening the cache directory ${setup.root}`);
  }
}

async function openOwned(setup: AgentSetup, lock: DirectoryLock): Promise<RunningAgent> {
  const dispatcher = new EnvHttpProxyAgent({ connections: setup.downloads + 4, allowH2: false });
  const close = async (): Promise<void> => {
    await dispatcher.destroy();
    await lock.release();
  };
  try {
    const hub = new Hub({ endpoint: setup.hubEndpoint, dispatcher, token: setup.token });
    const deps = agentDeps(setup, await openKeeper(setup, hub));
    return { run: async (signal) => await runAgent(deps, setup, signal), close };
  } catch (err) {
    await close();
    throw err;
  }
}

function agentDeps({ client, clock, telemetry, log }: AgentSetup, keeper: Keeper): AgentDeps {
  return {
    client,
    keeper,
    clock,
    onStatus: (status) => measure(telemetry, status),
    onReportFailed: (err) => log.warn({ err }, 'Could not report status'),
  };
}

async function openKeeper(setup: AgentSetup, source: Hub): Promise<Keeper> {
  const { root, clock, random } = setup;
  const store = await Store.open({ root, clock, budgetBytes: setup.budget, fillPercent: setup.watermark });
  return new Keeper({
    source,
    store,
    pool: store.pool,
    partsDirectory: store.layout.parts,
    bootId: store.bootId,
    guard: async () => await store.room.guard(),
    clock,
    random,
    pace: new Pace(clock, setup.bandwidth),
    flights: new Singleflight(),
    turnstile: new Turnstile(setup.downloads),
    ...listeners(setup),
  });
}

type Listeners = Pick<JobDeps, 'onBytes' | 'onFetched' | 'onRetry' | 'onFailure' | 'onReady'>;

function listeners({ log, telemetry }: AgentSetup): Listeners {
  const countFailure = (err: unknown): void => {
    const code = isForewarmError(err) ? err.code : 'INTERNAL';
    telemetry.count('forewarm_agent_download_failures_total', { code });
  };
  return {
    onBytes: (bytes) => telemetry.count('forewarm_agent_downloaded_bytes_total', {}, bytes),
    onFetched: (outcome) => telemetry.count('forewarm_agent_downloads_total', { outcome }),
    onRetry: (err, what) => {
      countFailure(err);
      log.warn({ err, what }, 'Could not fetch, trying again');
    },
    onFailure: (err, snapshot) => {
      countFailure(err);
      log.warn({ err, snapshot }, 'Could not keep snapshot, trying again later');
    },
    onReady: (snapshot) => log.info({ snapshot }, 'Snapshot became ready'),
  };
}

const phases = ['Assigned', 'Downloading', 'Ready', 'Failed'] as const;

function measure(telemetry: Telemetry, { budgetBytes, usedBytes, artifacts }: NodeCacheStatus): void {
  telemetry.set('forewarm_agent_cache_budget_bytes', budgetBytes);
  telemetry.set('forewarm_agent_cache_used_bytes', usedBytes);
  for (const phase of phases) {
    telemetry.set('forewarm_agent_artifacts', artifacts.filter((one) => one.phase === phase).length, { phase });
  }
}
