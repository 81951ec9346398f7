const suffixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
/** A reader keeps milli in an int64 and wraps around silently beyond it. */
const largest = 2n ** 63n - 1n;

/**
 * The canonical Kubernetes quantity of a value in thousandths: no fraction, the largest suffix that leaves a whole number. 1500n is `1500m`,
 * 3000n is `3`, 3000000n is `3k`.
 *
 * @throws RangeError when a reader could not hold the value.
 */
export function quantity(milli: bigint): string {
  if (milli > largest || milli < -largest)
    throw new RangeError(`a quantity must fit 64 bits in thousandths, was ${milli}`);
  if (milli === 0n) return '0';
  if (milli % 1000n !== 0n) return `${milli}m`;
  let whole = milli / 1000n;
  let suffix = 0;
  while (whole % 1000n === 0n && suffix < suffixes.length - 1) {
    whole /= 1000n;
    suffix += 1;
  }
  return `${whole}${suffixes[suffix]}`;
}
