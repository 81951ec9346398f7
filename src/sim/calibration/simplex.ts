/** The best point of a search, what it costs, and how many points were looked at. */
export interface Minimum {
  readonly at: readonly number[];
  readonly cost: number;
  readonly looks: number;
}

export interface SearchOptions {
  /** The first step along each axis. */
  readonly step: number;
  readonly maxLooks: number;
  /** Ends when the simplex's costs differ by less than this share of the best and its points by less than 0.02 along each axis. */
  readonly tolerance: number;
}

interface Vertex {
  readonly at: readonly number[];
  readonly cost: number;
}

/** Nelder and Mead's downhill simplex: no derivatives, the same walk every time. */
export function minimise(
  cost: (at: readonly number[]) => number,
  start: readonly number[],
  options: SearchOptions,
): Minimum {
  let looks = 0;
  const look = (at: readonly number[]): Vertex => {
    looks++;
    const found = cost(at);
    return { at, cost: Number.isFinite(found) ? found : Number.MAX_VALUE };
  };
  let simplex = sorted([look(start), ...start.map((_, axis) => look(moved(start, axis, options.step)))]);
  while (looks < options.maxLooks && start.length > 0 && !isSmall(simplex, options.tolerance)) {
    simplex = sorted(stepped(simplex, look));
  }
  const [best = { at: start, cost: Number.MAX_VALUE }] = simplex;
  return { ...best, looks };
}

function stepped(simplex: readonly Vertex[], look: (at: readonly number[]) => Vertex): readonly Vertex[] {
  const kept = simplex.slice(0, -1);
  const [best, worst, second] = [simplex[0], simplex.at(-1), kept.at(-1)];
  if (best === undefined || worst === undefined || second === undefined) return simplex;
  const middle = best.at.map((_, axis) => kept.reduce((sum, { at }) => sum + (at[axis] ?? 0), 0) / kept.length);
  const along = (share: number): Vertex =>
    look(middle.map((value, axis) => value + share * (value - (worst.at[axis] ?? 0))));
  const reflected = along(1);
  if (reflected.cost < best.cost) return [...kept, cheaper(along(2), reflected)];
  if (reflected.cost < second.cost) return [...kept, reflected];
  const contracted = along(reflected.cost < worst.cost ? 0.5 : -0.5);
  if (contracted.cost < Math.min(reflected.cost, worst.cost)) return [...kept, contracted];
  return [best, ...simplex.slice(1).map(({ at }) => look(at.map((value, axis) => ((best.at[axis] ?? 0) + value) / 2)))];
}

function cheaper(a: Vertex, b: Vertex): Vertex {
  return a.cost < b.cost ? a : b;
}

function sorted(simplex: readonly Vertex[]): readonly Vertex[] {
  return simplex.toSorted((a, b) => a.cost - b.cost);
}

function moved(at: readonly number[], axis: number, by: number): readonly number[] {
  return at.map((value, i) => (i === axis ? value + by : value));
}

function isSmall(simplex: readonly Vertex[], tolerance: number): boolean {
  const [best, worst] = [simplex[0]?.cost ?? 0, simplex.at(-1)?.cost ?? 0];
  if (worst - best > tolerance * Math.abs(best)) return false;
  return (simplex[0]?.at ?? []).every((value, axis) =>
    simplex.every((vertex) => Math.abs((vertex.at[axis] ?? 0) - value) < 0.02),
  );
}
