export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** Compared as upstream does: `|ratio - 1| <= tolerance` differs at the edge, where 1.1 must be inside 10 %. */
export function isWithin(ratio: number, { up, down }: Tolerance): boolean {
  return 1.0 - down <= ratio && ratio <= 1.0 + up;
}
