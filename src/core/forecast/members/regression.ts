/** Sums from which a ridge regression is solved; `products` is the upper triangle, row by row. */
export interface Moments {
  rows: number;
  readonly sums: number[];
  readonly products: number[];
  target: number;
  readonly cross: number[];
}

/** The fit folded into one constant and one factor a feature. */
export interface Fit {
  readonly constant: number;
  readonly factors: readonly number[];
}

export function emptyMoments(width: number): Moments {
  const zeros = (length: number): number[] => Array.from({ length }, () => 0);
  return { rows: 0, sums: zeros(width), products: zeros((width * (width + 1)) / 2), target: 0, cross: zeros(width) };
}

/** Forgets by `keep` and takes one row in. */
export function addRow(moments: Moments, x: readonly number[], target: number, keep = 1): void {
  const { sums, products, cross } = moments;
  const width = sums.length;
  let at = 0;
  for (let i = 0; i < width; i++) {
    const xi = x[i] ?? 0;
    sums[i] = keep * (sums[i] ?? 0) + xi;
    cross[i] = keep * (cross[i] ?? 0) + xi * target;
    for (let j = i; j < width; j++, at++) products[at] = keep * (products[at] ?? 0) + xi * (x[j] ?? 0);
  }
  moments.rows = keep * moments.rows + 1;
  moments.target = keep * moments.target + target;
}

/** Ridge on standardised features; the penalty shrinks towards the mean target. */
export function solve({ rows, sums, products, target, cross }: Moments): Fit {
  const width = sums.length;
  const means = sums.map((sum) => sum / rows);
  const meanTarget = target / rows;
  const row = (i: number): number => i * width - (i * (i - 1)) / 2 - i;
  const spread = means.map((mean, i) => {
    const sd = Math.sqrt(Math.max(0, (products[row(i) + i] ?? 0) / rows - mean * mean)) + 1e-6;
    return sd < 1e-5 ? 1 : sd;
  });
  const a = new Float64Array(width * width);
  const b = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    const scale = spread[i] ?? 1;
    const mean = means[i] ?? 0;
    b[i] = ((cross[i] ?? 0) - rows * mean * meanTarget) / scale;
    for (let j = i; j < width; j++) {
      const centred = (products[row(i) + j] ?? 0) - rows * mean * (means[j] ?? 0);
      a[j * width + i] = centred / (scale * (spread[j] ?? 1));
    }
    a[i * width + i] = (a[i * width + i] ?? 0) + 0.001 * rows + 20;
  }
  cholesky(a, b, width);
  const factors = Array.from(b, (beta, i) => beta / (spread[i] ?? 1));
  const constant = factors.reduce((sum, factor, i) => sum - factor * (means[i] ?? 0), meanTarget);
  return { constant, factors };
}

/** Solves A x = b in place, A symmetric and positive definite, its lower triangle given. */
function cholesky(a: Float64Array, b: Float64Array, width: number): void {
  factorise(a, width);
  const at = (i: number, j: number): number => a[i * width + j] ?? 0;
  for (let i = 0; i < width; i++) {
    let sum = b[i] ?? 0;
    for (let k = 0; k < i; k++) sum -= at(i, k) * (b[k] ?? 0);
    b[i] = sum / at(i, i);
  }
  for (let i = width - 1; i >= 0; i--) {
    let sum = b[i] ?? 0;
    for (let k = i + 1; k < width; k++) sum -= at(k, i) * (b[k] ?? 0);
    b[i] = sum / at(i, i);
  }
}

function factorise(a: Float64Array, width: number): void {
  const at = (i: number, j: number): number => a[i * width + j] ?? 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      a[i * width + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / at(j, j);
    }
  }
}

export function predicted({ constant, factors }: Fit, x: readonly number[]): number {
  let sum = constant;
  for (let i = 0; i < factors.length; i++) sum += (factors[i] ?? 0) * (x[i] ?? 0);
  return sum;
}

/** Quantile by linear interpolation between order statistics (type 7) of ascending values. */
export function quantileOf(sorted: ArrayLike<number>, quantile: number): number {
  const at = quantile * (sorted.length - 1);
  const low = Math.floor(at);
  const a = sorted[low] ?? Number.NaN;
  return at === low ? a : a + (at - low) * ((sorted[low + 1] ?? a) - a);
}
