/** Degree, coefficients and first direction numbers of the primitive polynomials of dimensions 2 to 8 (Joe and Kuo 2008, new-joe-kuo-6). */
const polynomials = [
  { degree: 1, coefficients: 0, first: [1] },
  { degree: 2, coefficients: 1, first: [1, 3] },
  { degree: 3, coefficients: 1, first: [1, 3, 1] },
  { degree: 3, coefficients: 2, first: [1, 1, 1] },
  { degree: 4, coefficients: 1, first: [1, 1, 3, 3] },
  { degree: 4, coefficients: 4, first: [1, 3, 5, 13] },
  { degree: 5, coefficients: 2, first: [1, 1, 5, 5, 17] },
] as const;

export const mostDimensions: number = 1 + polynomials.length;
const bits = 30;

/**
 * Points from..from + count of the Sobol sequence in so many dimensions, each coordinate in [0, 1): the first 2^k of them fill the cube evenly for
 * every k. Throws beyond `mostDimensions`.
 */
export function sobolPoints(
  dimensions: number,
  { from, count }: { readonly from: number; readonly count: number },
): readonly (readonly number[])[] {
  if (dimensions < 1 || dimensions > mostDimensions)
    throw new RangeError(`dimensions must be 1 to ${mostDimensions}, was ${dimensions}`);
  const directions = Array.from({ length: dimensions }, (_, d) => directionsOf(d));
  return Array.from({ length: count }, (_, i) => directions.map((of) => coordinate(of, from + i)));
}

/** v_1..v_30 as whole numbers below 2^30; of the first dimension the powers of one half. */
function directionsOf(dimension: number): readonly number[] {
  const polynomial = polynomials[dimension - 1];
  if (polynomial === undefined) return Array.from({ length: bits }, (_, i) => 2 ** (bits - 1 - i));
  const { degree, coefficients, first } = polynomial;
  const v = first.map((m, i) => m * 2 ** (bits - 1 - i));
  for (let i = degree; i < bits; i++) {
    const back = v[i - degree] ?? 0;
    let next = back ^ (back >> degree);
    for (let k = 1; k < degree; k++) {
      if (((coefficients >> (degree - 1 - k)) & 1) === 1) next ^= v[i - k] ?? 0;
    }
    v.push(next);
  }
  return v;
}

/** By the Gray code of the index. */
function coordinate(directions: readonly number[], index: number): number {
  const gray = index ^ (index >> 1);
  let x = 0;
  for (let bit = 0; bit < bits; bit++) if (((gray >> bit) & 1) === 1) x ^= directions[bit] ?? 0;
  return x / 2 ** bits;
}
