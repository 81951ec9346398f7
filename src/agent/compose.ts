import { EnvHttpProxyAgent } from 'undici';
import type { NodeCacheClient, NodeCacheStatus } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';
import { runAgent } from './agent.ts';
import { diskFailure } from './failure.ts';
import { Keeper } from './keeper.ts';
import { lockDirectory } from './lock.ts';
import { Pace, Turnstile } from './pace.ts';
import type { Random } from './retry.ts';
import { Singleflight } from './singleflight.ts';
import { Hub } from './sources/hub.ts';
import { Store } from './store.ts';

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
  readonly isOnce: boolean;
}

/** What has happened since the start, for the agent's own metrics. */
export interface AgentCounts {
  bytesFetched: number;
  retries: number;
  failures: number;
  ready: number;
  reportFailures: number;
}

export interface RunningAgent {
  readonly counts: Readonly<AgentCounts>;
  readonly keeper: Keeper;
  run(signal: AbortSignal): Promise<NodeCacheStatus>;
  close(): Promise<void>;
}

/** Puts an agent together over a cache directory, which it owns until it is closed. */
export async function openAgent(setup: AgentSetup): Promise<RunningAgent> {
  const lock = await lockDirectory(setup.root).catch((err: unknown) => {
    throw diskFailure(err, `opening the cache directory ${setup.root}`);
  });
  const dispatcher = new EnvHttpProxyAgent({ connections: setup.downloads + 4, allowH2: false });
  try {
    const counts: AgentCounts = { bytesFetched: 0, retries: 0, failures: 0, ready: 0, reportFailures: 0 };
    const hub = new Hub({ endpoint: setup.hubEndpoint, dispatcher, token: setup.token });
    const keeper = await openKeeper(setup, hub, counts);
    const deps = { client: setup.client, keeper, clock: setup.clock, onReportFailed: reportFailed(setup.log, counts) };
    return {
      counts,
      keeper,
      run: async (signal) => await runAgent(deps, setup, signal),
      close: async () => {
        await dispatcher.destroy();
        await lock.release();
      },
    };
  } catch (err) {
    await dispatcher.destroy();
    await lock.release();
    throw err;
  }
}

async function openKeeper(setup: AgentSetup, source: Hub, counts: AgentCounts): Promise<Keeper> {
  const { root, clock, random, log } = setup;
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
    onBytes: (bytes) => {
      counts.bytesFetched += bytes;
    },
    onRetry: (err, what) => {
      counts.retries += 1;
      log.warn({ err, what }, 'Could not fetch, trying again');
    },
    onFailure: (err, snapshot) => {
      counts.failures += 1;
      log.warn({ err, snapshot }, 'Could not keep snapshot, trying again later');
    },
    onReady: (snapshot) => {
      counts.ready += 1;
      log.info({ snapshot }, 'Snapshot became ready');
    },
  });
}

function reportFailed(log: AgentLog, counts: AgentCounts): (err: unknown) => void {
  return (err) => {
    counts.reportFailures += 1;
    log.warn({ err }, 'Could not report status');
  };
}
