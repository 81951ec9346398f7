/** One case of a peer's behaviour as its own sources or tables have it: what must come out, and what our reproduction makes of it. */
export interface PeerCase {
  readonly want: unknown;
  readonly ours: () => unknown;
  /** Ours in full, where `ours` only says whether it is inside what is wanted. */
  readonly told?: () => unknown;
}

/** Cases of one decision of one peer, by the sentence that says each. */
export interface PeerTable {
  readonly peer: string;
  /** Whose decision it is: `replicas that a Pods metric asks for`. */
  readonly what: string;
  readonly cases: Readonly<Record<string, PeerCase>>;
}

/** Cases that are all asked in one way. */
export function casesOf<Row extends { readonly want: unknown }>(
  rows: Readonly<Record<string, Row>>,
  ask: (row: Row) => unknown,
): PeerTable['cases'] {
  return Object.fromEntries(
    Object.entries(rows).map(([name, row]) => [name, { want: row.want, ours: (): unknown => ask(row) }]),
  );
}
