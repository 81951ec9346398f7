import type { ArtifactNeed } from '../core/model/policy.ts';
import type { ArtifactHash, CachePhase, NodeCacheSeen, NodeName, NodeSeen } from '../core/model/pool.ts';
import { bytes, instant } from '../core/model/units.ts';

interface CacheEntry {
  readonly artifact: ArtifactNeed;
  /** When its last byte is there; Infinity: no room, it will never be. */
  readonly readyMs: number;
  isAssigned: boolean;
  users: number;
}

export interface NodeOptions {
  readonly name: NodeName;
  /** Its place in the fleet, from 1. */
  readonly number: number;
  readonly gpus: number;
  readonly diskBytes: number;
  /** Duration of the k-th download that the node makes because it was told to. */
  readonly downloadMs: (k: number) => number;
}

/** When a replica's weights are there, and whether they are the node's own copy. */
export interface WeightsUse {
  readonly readyMs: number;
  readonly isFromCache: boolean;
}

/** A machine: GPUs, the image once pulled, and the weights on its disk within a budget. Each artifact is downloaded once (singleflight). */
export class SimNode {
  readonly name: NodeName;
  readonly number: number;
  /** What its Ready condition says. */
  isHealthy = true;
  readonly #gpus: number;
  readonly #diskBytes: number;
  readonly #downloadMs: (k: number) => number;
  readonly #cache = new Map<ArtifactHash, CacheEntry>();
  #freeGpus: number;
  #imageReadyMs = Number.POSITIVE_INFINITY;
  #downloads = 0;
  /** When it stopped; its agent has reported nothing since. */
  #lostMs: number | undefined = undefined;

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.number = options.number;
    this.#gpus = options.gpus;
    this.#freeGpus = options.gpus;
    this.#diskBytes = options.diskBytes;
    this.#downloadMs = options.downloadMs;
  }

  get freeGpus(): number {
    return this.#freeGpus;
  }

  get isLost(): boolean {
    return this.#lostMs !== undefined;
  }

  /** Stops; what is on the disk survives, what was under way does not. */
  lose(nowMs: number): void {
    this.#lostMs ??= nowMs;
    if (!this.hasImage(nowMs)) this.#imageReadyMs = Number.POSITIVE_INFINITY;
    for (const [hash, entry] of this.#cache) {
      if (entry.readyMs > nowMs) this.#cache.delete(hash);
    }
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
  }

  release(gpus: number): void {
    this.#freeGpus += gpus;
  }

  hasImage(nowMs: number): boolean {
    return this.#imageReadyMs <= nowMs;
  }

  hasWeights(hash: ArtifactHash, nowMs: number): boolean {
    return (this.#cache.get(hash)?.readyMs ?? Number.POSITIVE_INFINITY) <= nowMs;
  }

  /** When the image is there: now, when a pull under way ends, or when the one ends that begins now. */
  pullImage(nowMs: number, pullMs: number): number {
    this.#imageReadyMs = Math.min(this.#imageReadyMs, nowMs + pullMs);
    return Math.max(nowMs, this.#imageReadyMs);
  }

  /** A replica needs the weights: when they are there. Without room it downloads them for itself alone, and the node keeps nothing. */
  useWeights(artifact: ArtifactNeed, nowMs: number, downloadMs: number): WeightsUse {
    const entry = this.#usable(artifact.hash) ?? this.#begin(artifact, nowMs + downloadMs);
    if (entry === undefined) return { readyMs: nowMs + downloadMs, isFromCache: false };
    entry.users++;
    return { readyMs: Math.max(nowMs, entry.readyMs), isFromCache: true };
  }

  /** The replica that used the cached weights is gone. */
  leaveWeights(hash: ArtifactHash): void {
    const entry = this.#cache.get(hash);
    if (entry !== undefined && entry.users > 0) entry.users--;
  }

  /** Idempotent; tried again when there was no room the last time. */
  assign(artifact: ArtifactNeed, nowMs: number): void {
    if (this.isLost) return;
    const held = this.#usable(artifact.hash);
    if (held !== undefined) {
      held.isAssigned = true;
      return;
    }
    this.#cache.delete(artifact.hash);
    const entry = this.#begin(artifact, nowMs + this.#downloadMs(this.#downloads));
    if (entry !== undefined) this.#downloads++;
    this.#cache.set(artifact.hash, {
      ...(entry ?? { artifact, readyMs: Number.POSITIVE_INFINITY, users: 0 }),
      isAssigned: true,
    });
  }

  /** What no replica uses goes at once, also when half downloaded; the rest when its room is needed. */
  unassign(hash: ArtifactHash): void {
    if (this.isLost) return;
    const entry = this.#cache.get(hash);
    if (entry === undefined) return;
    entry.isAssigned = false;
    if (entry.users === 0) this.#cache.delete(hash);
  }

  /** Image and weights are here from the beginning. */
  warm(artifact: ArtifactNeed): void {
    this.#imageReadyMs = 0;
    this.#begin(artifact, 0);
  }

  seen(nowMs: number, isWithdrawn = false): NodeSeen {
    return {
      node: this.name,
      isHealthy: this.isHealthy,
      gpus: this.#gpus,
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
      budgetBytes: bytes(this.#diskBytes),
      usedBytes: bytes(this.usedBytes),
      reportedAt: instant(nowMs),
    };
  }

  #usable(hash: ArtifactHash): CacheEntry | undefined {
    const entry = this.#cache.get(hash);
    return entry !== undefined && entry.readyMs < Number.POSITIVE_INFINITY ? entry : undefined;
  }

  #begin(artifact: ArtifactNeed, readyMs: number): CacheEntry | undefined {
    if (!this.#makeRoom(artifact.bytes)) return undefined;
    const entry: CacheEntry = { artifact, readyMs, isAssigned: false, users: 0 };
    this.#cache.set(artifact.hash, entry);
    return entry;
  }

  /** Gives up what nobody assigned and nobody uses, the oldest first. */
  #makeRoom(needed: number): boolean {
    for (const [hash, entry] of this.#cache) {
      if (this.usedBytes + needed <= this.#diskBytes) return true;
      if (!entry.isAssigned && entry.users === 0) this.#cache.delete(hash);
    }
    return this.usedBytes + needed <= this.#diskBytes;
  }
}

function roomOf(entry: CacheEntry): number {
  return entry.readyMs < Number.POSITIVE_INFINITY ? entry.artifact.bytes : 0;
}

function phaseOf(entry: CacheEntry, nowMs: number): CachePhase {
  if (entry.readyMs <= nowMs) return 'Ready';
  return entry.readyMs < Number.POSITIVE_INFINITY ? 'Downloading' : 'Failed';
}
