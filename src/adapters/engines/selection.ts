/** The families that a parser keeps, found by the rolling hash of a name's bytes without making a string. */
export interface Selection {
  readonly byHash: ReadonlyMap<number, readonly WantedFamily[]>;
}

interface WantedFamily {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const hashSeed = 0;

export function nextHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

export function compileSelection(families: Iterable<string>): Selection {
  const byHash = new Map<number, WantedFamily[]>();
  for (const name of families) {
    const bytes = Buffer.from(name);
    const hash = bytes.reduce(nextHash, hashSeed);
    byHash.set(hash, [...(byHash.get(hash) ?? []), { name, bytes }]);
  }
  return { byHash };
}

/** The wanted family whose name is bytes `from` to `to`, if it is one. */
export function findFamily(
  candidates: readonly WantedFamily[] | undefined,
  page: Uint8Array,
  from: number,
  to: number,
): string | undefined {
  return candidates?.find(({ bytes }) => isSame(bytes, page, from, to))?.name;
}

function isSame(bytes: Uint8Array, page: Uint8Array, from: number, to: number): boolean {
  if (bytes.length !== to - from) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== page[from + i]) return false;
  return true;
}
