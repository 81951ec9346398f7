import type { AssignedArtifact, CachedArtifactStatus, NodeCacheClient, NodeCacheStatus } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';

/** Who does the work: see Keeper. */
export interface Assignee {
  assign(artifacts: readonly AssignedArtifact[]): Promise<void>;
  status(): Promise<NodeCacheStatus>;
  stop(): Promise<void>;
}

export interface AgentDeps {
  readonly client: NodeCacheClient;
  readonly keeper: Assignee;
  readonly clock: Clock;
  /** Told at each look. */
  readonly onStatus: (status: NodeCacheStatus) => void;
  readonly onReportFailed: (err: unknown) => void;
}

export interface AgentOptions {
  /** Ends when every artifact is Ready or Failed. */
  readonly isOnce: boolean;
}

const lookSeconds = { following: 1, once: 0.2 } as const;
/** Progress alone is written no more often than this. */
const progressSeconds = 5;

/**
 * Follows the node's own NodeCache until the signal: keeps what is assigned, reports a change of phase at the next look, progress now and then, and
 * nothing at all when nothing moves. While the object cannot be read, everything stays as it is. Answers the last status.
 */
export async function runAgent(deps: AgentDeps, options: AgentOptions, signal: AbortSignal): Promise<NodeCacheStatus> {
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const assignment = { isKnown: false };
  const following = follow(deps, assignment, ended);
  try {
    const pace = options.isOnce ? lookSeconds.once : lookSeconds.following;
    const reporting = reportUntil(deps, { pace, mayEnd: () => options.isOnce && assignment.isKnown }, ended);
    return await Promise.race([reporting, following.then(() => reporting)]);
  } finally {
    stop.abort(new Error('the agent ends'));
    await Promise.allSettled([following]);
    await deps.keeper.stop();
  }
}

async function follow(deps: AgentDeps, assignment: { isKnown: boolean }, signal: AbortSignal): Promise<void> {
  try {
    for await (const spec of deps.client.watch(signal)) {
      if (spec === undefined) continue; // no object yet: nothing is assigned anew, and nothing is taken away
      await deps.keeper.assign(spec.artifacts);
      assignment.isKnown = true;
    }
  } catch (err) {
    if (!signal.aborted) throw err;
  }
}

async function reportUntil(
  deps: AgentDeps,
  { pace, mayEnd }: { readonly pace: number; readonly mayEnd: () => boolean },
  signal: AbortSignal,
): Promise<NodeCacheStatus> {
  const reporter = new Reporter(deps);
  for (;;) {
    const isLast = mayEnd();
    const status = await deps.keeper.status();
    deps.onStatus(status);
    const isWritten = await reporter.offer(status, signal);
    if (signal.aborted || (isLast && isWritten && status.artifacts.every(isSettled))) return status;
    await deps.clock.sleep(1000 * pace, signal).catch(() => undefined);
  }
}

function isSettled({ phase }: CachedArtifactStatus): boolean {
  return phase === 'Ready' || phase === 'Failed';
}

/** Decides which looks are worth a write. */
class Reporter {
  readonly #deps: AgentDeps;
  #written: { readonly at: number; readonly gist: string; readonly whole: string } | undefined;
  constructor(deps: AgentDeps) {
    this.#deps = deps;
  }

  /** Whether this status, or one that says the same, has been written. */
  async offer(status: NodeCacheStatus, signal: AbortSignal): Promise<boolean> {
    const [at, gist, whole] = [this.#deps.clock.monotonic(), gistOf(status), JSON.stringify(status)];
    const last = this.#written;
    if (last?.whole === whole) return true;
    if (last?.gist === gist && at - last.at < 1000 * progressSeconds) return true;
    try {
      await this.#deps.client.report(status, signal);
      this.#written = { at, gist, whole };
      return true;
    } catch (err) {
      if (!signal.aborted) this.#deps.onReportFailed(err);
      return false;
    }
  }
}

/** What is worth a write at once: which artifacts, their phases and messages; not how many bytes. */
function gistOf({ budgetBytes, artifacts }: NodeCacheStatus): string {
  return JSON.stringify([
    budgetBytes,
    artifacts.map((a) => [a.hash, a.name, a.commit, a.phase, a.bytesTotal, a.message]),
  ]);
}
