export interface Observation {
  readonly x: number;
  readonly z: number;
  readonly y: number;
}

/** y = base + perX x + perZ z. */
export interface Plane {
  readonly base: number;
  readonly perX: number;
  readonly perZ: number;
}

/** Least squares in two variables; `undefined` where the points do not tell the two apart. */
export function fitPlane(points: readonly Observation[]): Plane | undefined {
  const n = points.length;
  if (n === 0) return undefined;
  const mean = { x: sum(points, ({ x }) => x) / n, z: sum(points, ({ z }) => z) / n, y: sum(points, ({ y }) => y) / n };
  const xx = sum(points, ({ x }) => (x - mean.x) ** 2);
  const zz = sum(points, ({ z }) => (z - mean.z) ** 2);
  const xz = sum(points, ({ x, z }) => (x - mean.x) * (z - mean.z));
  const xy = sum(points, ({ x, y }) => (x - mean.x) * (y - mean.y));
  const zy = sum(points, ({ z, y }) => (z - mean.z) * (y - mean.y));
  const determinant = xx * zz - xz * xz;
  if (!(determinant > 1e-9 * xx * zz)) return undefined;
  const perX = (xy * zz - zy * xz) / determinant;
  const perZ = (zy * xx - xy * xz) / determinant;
  return { base: mean.y - perX * mean.x - perZ * mean.z, perX, perZ };
}

function sum(points: readonly Observation[], of: (point: Observation) => number): number {
  return points.reduce((total, point) => total + of(point), 0);
}
