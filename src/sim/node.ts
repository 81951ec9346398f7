import type { ArtifactNeed } from '../core/model/policy.ts';
import type { ArtifactHash, CachePhase, NodeCacheSeen, NodeName, NodeSeen } from '../core/model/pool.ts';
import { bytes, instant } from '../core/model/units.ts';
import type { Download } from './download.ts';
import type { NodeDownloads } from './downloads.ts';

interface CacheEntry {
  readonly artifact: ArtifactNeed;
  /** Absent: no room, it will never be there. */
  readonly download: Download | undefined;
  isAssigned: boolean;
  users: number;
}

export interface NodeOptions {
  readonly name: NodeName;
  /** Its place in the fleet, from 1. */
  readonly number: number;
  readonly gpus: number;
  readonly diskBytes: number;
  readonly downloads: NodeDownloads;
  /** Duration of the k-th download that the node makes because it was told to. */
  readonly downloadMs: (k: number, nowMs: number) => number;
  /** The same of the image, where an assignment brings it. */
  readonly assignedPullMs?: ((nowMs: number) => number) | undefined;
}

/** A replica's weights, and whether they are the node's own copy. */
export interface WeightsUse {
  readonly download: Download;
  readonly isFromCache: boolean;
}

/** A machine: GPUs, the image once pulled, and the weights on its disk within a budget. Each artifact is downloaded once (singleflight). */
export class SimNode {
  readonly name: NodeName;
  readonly number: number;
  /** What its Ready condition says. */
  isHealthy = true;
  /** How often a pod was bound to it. */
  allocations = 0;
  /** Engines of replicas that are gone, ready to be woken. */
  sleepers = 0;
  readonly #options: NodeOptions;
  readonly #cache = new Map<ArtifactHash, CacheEntry>();
  #freeGpus: number;
  #image: Download | undefined = undefined;
  #downloads = 0;
  /** When it stopped; its agent has reported nothing since. */
  #lostMs: number | undefined = undefined;

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.number = options.number;
    this.#options = options;
    this.#freeGpus = options.gpus;
  }

  get freeGpus(): number {
    return this.#freeGpus;
  }

  get isEmpty(): boolean {
    return this.#freeGpus === this.#options.gpus;
  }

  get isLost(): boolean {
    return this.#lostMs !== undefined;
  }

  /** Stops; what is on the disk survives, what was under way does not. */
  lose(nowMs: number): void {
    this.#lostMs ??= nowMs;
    this.sleepers = 0;
    if (!this.hasImage(nowMs)) this.#dropImage();
    for (const hash of this.#cache.keys()) if (!this.hasWeights(hash, nowMs)) this.#drop(hash);
  }

  /** Given back; the next machine in its place holds nothing. */
  wipe(): void {
    this.sleepers = 0;
    this.#dropImage();
    for (const hash of this.#cache.keys()) this.#drop(hash);
  }

  recover(): void {
    this.#lostMs = undefined;
    this.isHealthy = true;
  }

  get usedBytes(): number {
    return [...this.#cache.values()].reduce((sum, entry) => sum + roomOf(entry), 0);
  }

  allocate(gpus: number): void {
    if (gpus > this.#freeGpus) throw new RangeError(`${this.name} must have ${gpus} free GPUs, has ${this.#freeGpus}`);
    this.#freeGpus -= gpus;
    this.allocations++;
  }

  release(gpus: number): void {
    this.#freeGpus += gpus;
  }

  hasImage(nowMs: number): boolean {
    return this.#image?.isDone(nowMs) ?? false;
  }

  hasWeights(hash: ArtifactHash, nowMs: number): boolean {
    return this.#cache.get(hash)?.download?.isDone(nowMs) ?? false;
  }

  /** The image: there, under way, or pulled from now on, whichever is first. */
  pullImage(nowMs: number, pullMs: number): Download {
    if (this.#image === undefined || this.#image.isLaterThan(nowMs + pullMs)) {
      this.#image = this.#options.downloads.image(nowMs, pullMs);
    }
    return this.#image;
  }

  /** A replica needs the weights. Without room it downloads them for itself alone, and the node keeps nothing. */
  useWeights(artifact: ArtifactNeed, nowMs: number, downloadMs: number): WeightsUse {
    const begin = (): Download => this.#options.downloads.weights(nowMs, downloadMs);
    const entry = this.#usable(artifact.hash) ?? this.#begin(artifact, begin);
    if (entry?.download === undefined) return { download: begin(), isFromCache: false };
    entry.users++;
    return { download: entry.download, isFromCache: true };
  }

  /** The replica that used the cached weights is gone. */
  leaveWeights(hash: ArtifactHash): void {
    const entry = this.#cache.get(hash);
    if (entry !== undefined && entry.users > 0) entry.users--;
  }

  /** Idempotent; tried again when there was no room the last time. */
  assign(artifact: ArtifactNeed, nowMs: number): void {
    if (this.isLost) return;
    this.#pullAssigned(nowMs);
    const held = this.#usable(artifact.hash);
    if (held !== undefined) {
      held.isAssigned = true;
      return;
    }
    this.#cache.delete(artifact.hash);
    const { downloads, downloadMs } = this.#options;
    const entry = this.#begin(artifact, () => downloads.weights(nowMs, downloadMs(this.#downloads++, nowMs)));
    this.#cache.set(artifact.hash, { ...(entry ?? { artifact, download: undefined, users: 0 }), isAssigned: true });
  }

  /** An assignment brings the image too, where the scenario says so. */
  #pullAssigned(nowMs: number): void {
    const { assignedPullMs } = this.#options;
    if (assignedPullMs === undefined || this.#image !== undefined) return;
    this.pullImage(nowMs, assignedPullMs(nowMs));
  }

  /** What no replica uses goes at once, also when half downloaded; the rest when its room is needed. */
  unassign(hash: ArtifactHash): void {
    if (this.isLost) return;
    const entry = this.#cache.get(hash);
    if (entry === undefined) return;
    entry.isAssigned = false;
    if (entry.users === 0) this.#drop(hash);
  }

  /** Image and weights are here from the beginning. */
  warm(artifact: ArtifactNeed): void {
    const { downloads } = this.#options;
    this.#image = downloads.present();
    this.#begin(artifact, () => downloads.present());
  }

  seen(nowMs: number, isWithdrawn = false): NodeSeen {
    return {
      node: this.name,
      isHealthy: this.isHealthy,
      gpus: this.#options.gpus,
      freeGpus: isWithdrawn ? 0 : this.#freeGpus,
      cache: this.#cacheSeen(this.#lostMs ?? nowMs),
    };
  }

  #cacheSeen(nowMs: number): NodeCacheSeen {
    const phases: Record<ArtifactHash, CachePhase> = {};
    const assigned: ArtifactHash[] = [];
    for (const hash of [...this.#cache.keys()].sort()) {
      const entry = this.#cache.get(hash);
      if (entry === undefined) continue;
      phases[hash] = phaseOf(entry, nowMs);
      if (entry.isAssigned) assigned.push(hash);
    }
    return {
      phases,
      assigned,
      budgetBytes: bytes(this.#options.diskBytes),
      usedBytes: bytes(this.usedBytes),
      reportedAt: instant(nowMs),
    };
  }

  #usable(hash: ArtifactHash): CacheEntry | undefined {
    const entry = this.#cache.get(hash);
    return entry?.download === undefined ? undefined : entry;
  }

  #begin(artifact: ArtifactNeed, download: () => Download): CacheEntry | undefined {
    if (!this.#makeRoom(artifact.bytes)) return undefined;
    const entry: CacheEntry = { artifact, download: download(), isAssigned: false, users: 0 };
    this.#cache.set(artifact.hash, entry);
    return entry;
  }

  #drop(hash: ArtifactHash): void {
    this.#cache.get(hash)?.download?.cancel();
    this.#cache.delete(hash);
  }

  #dropImage(): void {
    this.#image?.cancel();
    this.#image = undefined;
  }

  /** Gives up what nobody assigned and nobody uses, the oldest first. */
  #makeRoom(needed: number): boolean {
    for (const [hash, entry] of this.#cache) {
      if (this.usedBytes + needed <= this.#options.diskBytes) return true;
      if (!entry.isAssigned && entry.users === 0) this.#drop(hash);
    }
    return this.usedBytes + needed <= this.#options.diskBytes;
  }
}

function roomOf({ artifact, download }: CacheEntry): number {
  return download === undefined ? 0 : artifact.bytes;
}

function phaseOf({ download }: CacheEntry, nowMs: number): CachePhase {
  if (download === undefined) return 'Failed';
  return download.isDone(nowMs) ? 'Ready' : 'Downloading';
}
