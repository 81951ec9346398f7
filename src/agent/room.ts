import type { Dirent } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ForewarmError } from '../errors.ts';
import { isMissing, lookAt } from './files.ts';

export interface RoomOptions {
  /** Most bytes the cache may hold; absent: what the watermark allows on an empty disk. */
  readonly budgetBytes?: number | undefined;
  /** The disk is never filled beyond this share; must stay under the kubelet's own limits. */
  readonly fillPercent: number;
}

/** How much fits: the smaller of the budget's rest and of what the disk has left below its watermark. */
export class Room {
  readonly #root: string;
  readonly #options: RoomOptions;
  constructor(root: string, options: RoomOptions) {
    this.#root = root;
    this.#options = options;
  }

  async budgetBytes(): Promise<number> {
    const { total } = await this.#disk();
    const ceiling = Math.floor((total * this.#options.fillPercent) / 100);
    return Math.min(this.#options.budgetBytes ?? ceiling, ceiling);
  }

  /** Bytes of all files in the cache, each inode once. */
  async usedBytes(): Promise<number> {
    const seen = new Set<string>();
    let bytes = 0;
    for (const path of await regularFiles(this.#root)) {
      const found = await lookAt(path);
      if (found?.isFile() !== true || seen.has(`${found.dev}:${found.ino}`)) continue;
      seen.add(`${found.dev}:${found.ino}`);
      bytes += Number(found.size);
    }
    return bytes;
  }

  /** Negative when the cache is over its budget or the disk over its watermark. */
  async freeBytes(): Promise<number> {
    const [budget, used, belowWatermark] = [
      await this.budgetBytes(),
      await this.usedBytes(),
      await this.belowWatermark(),
    ];
    return Math.min(budget - used, belowWatermark);
  }

  /** Bytes until the disk reaches its watermark. */
  async belowWatermark(): Promise<number> {
    const { total, available } = await this.#disk();
    return available - Math.ceil((total * (100 - this.#options.fillPercent)) / 100);
  }

  /** @throws DISK_FULL when others have filled the disk up to the watermark meanwhile. */
  async guard(): Promise<void> {
    const rest = await this.belowWatermark();
    if (rest >= 0) return;
    throw new ForewarmError(
      'DISK_FULL',
      `the disk is filled beyond ${this.#options.fillPercent} % by ${humanBytes(-rest)}`,
    );
  }

  async #disk(): Promise<{ readonly total: number; readonly available: number }> {
    const { bsize, blocks, bavail } = await statfs(this.#root);
    return { total: bsize * blocks, available: bsize * bavail };
  }
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `5.0 GiB` */
export function humanBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10), units.length - 1);
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power] ?? 'B'}`;
}

/** Links are not followed; a folder that goes away meanwhile holds nothing. */
async function regularFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory()) found.push(...(await regularFiles(path)));
  }
  return found;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (err) {
    if (isMissing(err)) return [];
    throw err;
  }
}
