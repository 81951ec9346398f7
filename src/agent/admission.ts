import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ForewarmError } from '../errors.ts';
import type { BlobPool } from './blob-pool.ts';
import { diskFailure } from './failure.ts';
import { lookAt } from './files.ts';
import type { Layout } from './layout.ts';
import type { Manifest, Manifests } from './manifest.ts';
import { isCommit, repoFolder } from './names.ts';
import { removePart } from './part.ts';
import { humanBytes, type Room } from './room.ts';

interface AdmissionDeps {
  readonly layout: Layout;
  readonly pool: BlobPool;
  readonly room: Room;
  readonly manifests: Manifests;
  readonly plans: Manifests;
  /** Takes a published snapshot out of sight. */
  readonly evict: (manifest: Manifest) => Promise<void>;
}

type Holding = Pick<Manifest, 'repo' | 'commit' | 'files'>;

/**
 * Who may fill the disk. Each plan reserves what it still has to fetch; what does not fit is refused before its first byte. Only what nobody
 * assigned may go, only when that makes the room that is needed, and the snapshot that was published first goes first.
 */
export class Admission {
  assigned: ReadonlySet<string> = new Set();
  readonly #deps: AdmissionDeps;
  #last: Promise<void> = Promise.resolve();
  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** One at a time: two plans never count the same room. */
  async admit(plan: Manifest): Promise<void> {
    const turn = this.#last.then(() => this.#admit(plan));
    this.#last = turn.catch(() => undefined);
    try {
      await turn;
    } catch (err) {
      throw diskFailure(err, `making room for ${plan.repo}`);
    }
  }

  async #admit(plan: Manifest): Promise<void> {
    const others = (await this.#deps.plans.all()).filter((other) => !isSame(other, plan) && this.#isAssigned(other));
    const need = await this.#unfetched([plan]);
    const reserved = (await this.#unfetched([...others, plan])) - need;
    const lacking = need + reserved - (await this.#deps.room.freeBytes());
    if (need > 0 && lacking > 0) await this.#makeRoom(plan, { need, lacking });
    await this.#deps.plans.put(plan);
  }

  /** Bytes that these plans have yet to write, each digest once. */
  async #unfetched(plans: readonly Holding[]): Promise<number> {
    const digests = new Map(plans.flatMap((plan) => plan.files.map((file) => [file.digest.hex, file.bytes] as const)));
    const here = new Set(await this.#deps.pool.list());
    let bytes = 0;
    for (const [hex, size] of digests) {
      if (!here.has(hex)) bytes += size - Math.min(size, await sizeOf(join(this.#deps.layout.parts, hex)));
    }
    return bytes;
  }

  async #makeRoom(
    plan: Manifest,
    { need, lacking }: { readonly need: number; readonly lacking: number },
  ): Promise<void> {
    const manifests = await this.#deps.manifests.all();
    const removable = manifests.filter((manifest) => !this.#isAssigned(manifest) && !isSame(manifest, plan));
    const candidates = removable.sort((a, b) => a.publishedAt - b.publishedAt);
    const kept = manifests.filter((manifest) => !candidates.includes(manifest));
    for (let count = 0; count <= candidates.length; count += 1) {
      const used = await this.#digestsInUse([...kept, ...candidates.slice(count), plan]);
      if ((await this.#unusedBytes(used)) < lacking) continue;
      await this.#remove(candidates.slice(0, count), used);
      return;
    }
    throw new ForewarmError('DISK_FULL', await this.#refusal(need, lacking));
  }

  async #refusal(need: number, lacking: number): Promise<string> {
    const { room } = this.#deps;
    const [budget, used] = [await room.budgetBytes(), await room.usedBytes()];
    const fits = humanBytes(Math.max(0, need - lacking));
    return `needs ${humanBytes(need)}, room for ${fits} (${humanBytes(used)} used of ${humanBytes(budget)}) and nothing unassigned to remove`;
  }

  async #digestsInUse(published: readonly Holding[]): Promise<Set<string>> {
    const planned = (await this.#deps.plans.all()).filter((plan) => this.#isAssigned(plan));
    return new Set([...published, ...planned].flatMap(({ files }) => files.map((file) => file.digest.hex)));
  }

  async #unusedBytes(used: ReadonlySet<string>): Promise<number> {
    const { layout, pool } = this.#deps;
    let bytes = 0;
    for (const hex of await pool.list()) if (!used.has(hex)) bytes += await sizeOf(join(layout.blobs, hex));
    for (const hex of await partsIn(layout)) if (!used.has(hex)) bytes += await sizeOf(join(layout.parts, hex));
    return bytes;
  }

  async #remove(snapshots: readonly Manifest[], used: ReadonlySet<string>): Promise<void> {
    const { layout, pool, plans } = this.#deps;
    for (const manifest of snapshots) {
      await this.#deps.evict(manifest);
      await this.#removeShown(manifest);
    }
    for (const plan of await plans.all()) if (!this.#isAssigned(plan)) await plans.remove(plan.repo, plan.commit);
    for (const hex of await partsIn(layout)) if (!used.has(hex)) await removePart(join(layout.parts, hex));
    for (const hex of await pool.list()) if (!used.has(hex)) await pool.remove(hex);
  }

  /** Removes the links in `blobs/` that no other snapshot of the repository shows; with a foreign snapshot there, all stay. */
  async #removeShown(manifest: Manifest): Promise<void> {
    const repoRoot = join(this.#deps.layout.root, repoFolder(manifest.repo));
    const siblings = (await this.#deps.manifests.all()).filter((other) => other.repo === manifest.repo);
    const ours = new Set(siblings.map((other) => other.commit));
    const shown = (await readdir(join(repoRoot, 'snapshots'))).filter(isCommit);
    if (shown.some((commit) => !ours.has(commit))) return;
    const used = new Set(siblings.flatMap(({ files }) => files.map((file) => file.digest.hex)));
    for (const { digest } of manifest.files) {
      if (!used.has(digest.hex)) await rm(join(repoRoot, 'blobs', digest.hex), { force: true });
    }
  }

  #isAssigned({ repo, commit }: Holding): boolean {
    return this.assigned.has(`${repo}@${commit}`);
  }
}

function isSame(a: Holding, b: Holding): boolean {
  return a.repo === b.repo && a.commit === b.commit;
}

async function sizeOf(path: string): Promise<number> {
  return Number((await lookAt(path))?.size ?? 0n);
}

async function partsIn(layout: Layout): Promise<string[]> {
  return (await readdir(layout.parts)).filter((name) => !name.endsWith('.json') && !name.endsWith('.tmp'));
}
