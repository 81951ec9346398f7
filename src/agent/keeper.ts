import { describe } from '../core/model/result.ts';
import type { AssignedArtifact, CachedArtifactStatus, NodeCacheStatus } from '../ports/artifacts.ts';
import { Job, type JobDeps, type JobProgress } from './job.ts';
import { isCommit, parseSource } from './names.ts';
import { RateMeter } from './pace.ts';
import { keyOf, type Wanted } from './store.ts';

interface Running {
  readonly job: Job;
  readonly controller: AbortController;
  readonly done: Promise<void>;
  readonly meter: RateMeter;
}

type Understood = { readonly key: string; readonly wanted: Wanted } | { readonly refusal: string };

/** Runs one job for each snapshot that is assigned, and tells how far each artifact is. */
export class Keeper {
  readonly #deps: Omit<JobDeps, 'isAwaited'>;
  readonly #running = new Map<string, Running>();
  #artifacts: readonly AssignedArtifact[] = [];
  #used: { readonly at: number; readonly phases: string; readonly bytes: number } | undefined;
  #awaited: ReadonlySet<string> = new Set();
  constructor(deps: Omit<JobDeps, 'isAwaited'>) {
    this.#deps = deps;
  }

  /** Makes this the assignment. What is no longer assigned is stopped, and kept on the disk until its room is needed. */
  async assign(artifacts: readonly AssignedArtifact[]): Promise<void> {
    this.#artifacts = artifacts;
    const wanted = merge(artifacts);
    this.#awaited = keysOf(artifacts.filter(({ isAwaited }) => isAwaited === true));
    this.#deps.store.assign(new Set(wanted.keys()));
    const gone = [...this.#running].filter(([key, { job }]) => !isSame(job.wanted, wanted.get(key)));
    await Promise.all(gone.map(async ([key, running]) => await this.#stop(key, running)));
    for (const { job } of this.#running.values()) job.nudge();
    for (const [key, want] of wanted) if (!this.#running.has(key)) this.#start(key, want);
    this.#deps.turnstile.review();
  }

  #isAwaited(hex: string): boolean {
    return [...this.#awaited].some((key) => this.#running.get(key)?.job.isFetching(hex) === true);
  }

  async status(): Promise<NodeCacheStatus> {
    const progress = new Map<string, JobProgress & { readonly rate: number }>();
    for (const [key, { job, meter }] of this.#running) {
      const at = await job.progress();
      const rate = meter.observe(this.#deps.clock.monotonic(), at.bytesDone);
      progress.set(key, { ...at, rate: at.phase === 'Downloading' ? Math.round(rate) : 0 });
    }
    const artifacts = this.#artifacts.map((artifact) => this.#statusOf(artifact, progress));
    const usedBytes = await this.#usedBytes(artifacts.map(({ phase }) => phase).join(' '));
    return { budgetBytes: await this.#deps.store.room.budgetBytes(), usedBytes, artifacts };
  }

  /** Walks the cache only while it changes, and each minute in case somebody else changed it. */
  async #usedBytes(phases: string): Promise<number> {
    const [now, last] = [this.#deps.clock.monotonic(), this.#used];
    const isMoving = phases.includes('Downloading') || last?.phases !== phases;
    if (last !== undefined && !isMoving && now - last.at < 60_000) return last.bytes;
    const bytes = await this.#deps.store.room.usedBytes();
    this.#used = { at: now, phases, bytes };
    return bytes;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map(async ([key, running]) => await this.#stop(key, running)));
  }

  #start(key: string, wanted: Wanted): void {
    const controller = new AbortController();
    const job = new Job({ ...this.#deps, isAwaited: (hex) => this.#isAwaited(hex) }, wanted);
    this.#running.set(key, { job, controller, done: job.keep(controller.signal), meter: new RateMeter() });
  }

  async #stop(key: string, { controller, done }: Running): Promise<void> {
    controller.abort(new Error('no longer assigned'));
    await done;
    this.#running.delete(key);
  }

  #statusOf(
    artifact: AssignedArtifact,
    progress: ReadonlyMap<string, JobProgress & { readonly rate: number }>,
  ): CachedArtifactStatus {
    const { hash, name, commit } = artifact;
    const understood = understand(artifact);
    if ('refusal' in understood) {
      const message = understood.refusal;
      return { hash, name, commit, phase: 'Failed', bytesTotal: 0, bytesDone: 0, bytesPerSecond: 0, message };
    }
    const at = progress.get(understood.key);
    const { phase = 'Assigned', bytesTotal = 0, bytesDone = 0, rate = 0, message } = at ?? {};
    const readyBy = rate > 0 ? { readyByTime: this.#timeAfter((bytesTotal - bytesDone) / rate) } : {};
    const said = message === undefined ? {} : { message };
    return { hash, name, commit, phase, bytesTotal, bytesDone, bytesPerSecond: rate, ...readyBy, ...said };
  }

  #timeAfter(seconds: number): string {
    const at = Math.ceil(this.#deps.clock.now() / 1000 + seconds) * 1000;
    return new Date(Math.min(at, 8.64e15)).toISOString().replace('.000Z', 'Z');
  }
}

function understand(artifact: AssignedArtifact): Understood {
  const source = parseSource(artifact.source);
  if (!source.ok) return { refusal: `ConfigInvalid: ${describe(source.problem)}` };
  const { commit } = artifact;
  if (!isCommit(commit)) return { refusal: `ConfigInvalid: \`commit\` must be 40 hex digits, was '${commit}'` };
  const { id, revision } = source.value;
  const wanted = { repo: id, commit, patterns: [...artifact.files].sort(), revisions: [revision] };
  return { key: keyOf(wanted), wanted };
}

/** One snapshot a commit: it holds what any of its artifacts selects. Of several commits under one reference, the last assigned keeps it. */
function merge(artifacts: readonly AssignedArtifact[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  const owners = new Map<string, string>();
  for (const artifact of artifacts) {
    const understood = understand(artifact);
    if ('refusal' in understood) continue;
    const { key, wanted: next } = understood;
    const former = wanted.get(key);
    wanted.set(key, former === undefined ? next : union(former, next));
    for (const revision of next.revisions) owners.set(`${next.repo} ${revision}`, key);
  }
  return new Map([...wanted].map(([key, want]) => [key, withOwnReferences(key, want, owners)]));
}

function keysOf(artifacts: readonly AssignedArtifact[]): ReadonlySet<string> {
  const understood = artifacts.map(understand);
  return new Set(understood.flatMap((one) => ('key' in one ? [one.key] : [])));
}

function withOwnReferences(key: string, want: Wanted, owners: ReadonlyMap<string, string>): Wanted {
  return { ...want, revisions: want.revisions.filter((revision) => owners.get(`${want.repo} ${revision}`) === key) };
}

function union(a: Wanted, b: Wanted): Wanted {
  const isAll = a.patterns.length === 0 || b.patterns.length === 0;
  const patterns = isAll ? [] : [...new Set([...a.patterns, ...b.patterns])].sort();
  return { ...a, patterns, revisions: [...new Set([...a.revisions, ...b.revisions])].sort() };
}

function isSame(a: Wanted, b: Wanted | undefined): boolean {
  return b !== undefined && JSON.stringify([a.patterns, a.revisions]) === JSON.stringify([b.patterns, b.revisions]);
}
