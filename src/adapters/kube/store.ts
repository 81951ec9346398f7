import { text } from './fields.ts';

/** An object as we keep it: slim, never changed after it was stored. */
export interface Kept {
  /** `namespace/name`, or the name of a cluster object. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** `namespace/name`, or the name of a cluster object. */
export function keyOf(raw: unknown): string {
  const namespace = text(raw, 'metadata', 'namespace');
  const name = text(raw, 'metadata', 'name') ?? '';
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function versionOf(raw: unknown): Kept {
  return {
    key: keyOf(raw),
    uid: text(raw, 'metadata', 'uid') ?? '',
    resourceVersion: text(raw, 'metadata', 'resourceVersion') ?? '',
  };
}

export interface Change<T> {
  readonly before?: T;
  readonly after?: T;
}

/** The last known state of one kind. Readers see whole objects; listeners hear each change once, deletions missed by a watch included. */
export class Store<T extends Kept> {
  readonly #items = new Map<string, T>();
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  #isSynced = false;

  get isSynced(): boolean {
    return this.#isSynced;
  }
  get size(): number {
    return this.#items.size;
  }
  get(key: string): T | undefined {
    return this.#items.get(key);
  }
  values(): IterableIterator<T> {
    return this.#items.values();
  }
  /** Sorted by key. */
  list(): readonly T[] {
    return [...this.#items.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  set(item: T): void {
    const before = this.#items.get(item.key);
    if (before !== undefined && before.uid !== item.uid) this.#drop(before);
    this.#items.set(item.key, item);
    this.#tell(before === undefined || before.uid !== item.uid ? { after: item } : { before, after: item });
  }

  delete(key: string): void {
    const before = this.#items.get(key);
    if (before !== undefined) this.#drop(before);
  }

  /** A complete list: what is not in it is gone. */
  replace(items: readonly T[]): void {
    const present = new Set(items.map((item) => item.key));
    for (const [key, item] of this.#items) if (!present.has(key)) this.#drop(item);
    for (const item of items) {
      if (this.#items.get(item.key)?.resourceVersion !== item.resourceVersion) this.set(item);
    }
    this.#isSynced = true;
  }

  #drop(item: T): void {
    this.#items.delete(item.key);
    this.#tell({ before: item });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}
