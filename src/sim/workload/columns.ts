import type { Prefixes, RequestRow, Workload } from './workload.ts';

/** Grows without an object for each request: a trace may have tens of millions. */
export class ColumnBuilder {
  #count = 0;
  #arrivalMs = new Float64Array(1024);
  #promptTokens = new Int32Array(1024);
  #outputTokens = new Int32Array(1024);
  #isSorted = true;
  readonly #prefixes: PrefixBuilder | undefined;

  /** `prefixBlockTokens`: the rows have prefixes, of blocks of so many tokens. */
  constructor(prefixBlockTokens?: number) {
    this.#prefixes = prefixBlockTokens === undefined ? undefined : new PrefixBuilder(prefixBlockTokens);
  }

  get count(): number {
    return this.#count;
  }

  push({ arrivalMs, promptTokens, outputTokens, prefix }: RequestRow): void {
    const at = this.#count++;
    if (at === this.#arrivalMs.length) this.#grow();
    if (at > 0 && arrivalMs < (this.#arrivalMs[at - 1] ?? 0)) this.#isSorted = false;
    this.#arrivalMs[at] = arrivalMs;
    this.#promptTokens[at] = promptTokens;
    this.#outputTokens[at] = outputTokens;
    this.#prefixes?.push(prefix ?? []);
  }

  /** Time as it was pushed; the duration is the last arrival's unless it is given. */
  workload(name: string, durationSeconds?: number): Workload {
    const order = this.#isSorted ? undefined : this.#order();
    const arrivalMs = taken(this.#arrivalMs.subarray(0, this.#count), order);
    const prefixes = this.#prefixes?.prefixes(order);
    return {
      name,
      durationSeconds: durationSeconds ?? (arrivalMs[arrivalMs.length - 1] ?? 0) / 1000,
      arrivalMs,
      promptTokens: taken(this.#promptTokens.subarray(0, this.#count), order),
      outputTokens: taken(this.#outputTokens.subarray(0, this.#count), order),
      ...(prefixes === undefined ? {} : { prefixes }),
    };
  }

  #order(): Uint32Array {
    const at = this.#arrivalMs;
    return Uint32Array.from({ length: this.#count }, (_, i) => i).sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b);
  }

  #grow(): void {
    const length = 2 * this.#arrivalMs.length;
    this.#arrivalMs = grown(this.#arrivalMs, new Float64Array(length));
    this.#promptTokens = grown(this.#promptTokens, new Int32Array(length));
    this.#outputTokens = grown(this.#outputTokens, new Int32Array(length));
  }
}

class PrefixBuilder {
  readonly #blockTokens: number;
  /** Any whole numbers in, small ones out. */
  readonly #numbers = new Map<number, number>();
  #ids = new Int32Array(4096);
  #offsets = new Int32Array(1024);
  #rows = 0;

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
  }

  push(prefix: ArrayLike<number>): void {
    const from = this.#offsets[this.#rows] ?? 0;
    const to = from + prefix.length;
    while (to > this.#ids.length) this.#ids = grown(this.#ids, new Int32Array(2 * this.#ids.length));
    for (let i = 0; i < prefix.length; i++) this.#ids[from + i] = this.#numberOf(prefix[i] ?? 0);
    if (++this.#rows === this.#offsets.length) {
      this.#offsets = grown(this.#offsets, new Int32Array(2 * this.#offsets.length));
    }
    this.#offsets[this.#rows] = to;
  }

  prefixes(order: Uint32Array | undefined): Prefixes {
    const offsets = this.#offsets.slice(0, this.#rows + 1);
    const ids = this.#ids.slice(0, offsets[this.#rows]);
    const shared = { blockTokens: this.#blockTokens, distinct: this.#numbers.size };
    return order === undefined ? { ...shared, offsets, ids } : { ...shared, ...reordered(offsets, ids, order) };
  }

  #numberOf(id: number): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const next = this.#numbers.size;
    this.#numbers.set(id, next);
    return next;
  }
}

function reordered(offsets: Int32Array, ids: Int32Array, order: Uint32Array): Pick<Prefixes, 'offsets' | 'ids'> {
  const moved = { offsets: new Int32Array(offsets.length), ids: new Int32Array(ids.length) };
  let end = 0;
  for (const [at, row] of order.entries()) {
    const part = ids.subarray(offsets[row], offsets[row + 1]);
    moved.ids.set(part, end);
    end += part.length;
    moved.offsets[at + 1] = end;
  }
  return moved;
}

type Column = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

function grown<C extends Column>(from: C, to: C): C {
  to.set(from);
  return to;
}

function taken<C extends Column>(column: C, order: Uint32Array | undefined): C;
function taken(column: Column, order: Uint32Array | undefined): Column {
  if (order === undefined) return column.slice();
  return column.slice().map((_, i) => column[order[i] ?? 0] ?? 0);
}
