const suffixes: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1000n],
  '': [1n, 1n],
  k: [1000n, 1n],
  M: [1000n ** 2n, 1n],
  G: [1000n ** 3n, 1n],
  T: [1000n ** 4n, 1n],
  P: [1000n ** 5n, 1n],
  E: [1000n ** 6n, 1n],
  Ki: [1024n, 1n],
  Mi: [1024n ** 2n, 1n],
  Gi: [1024n ** 3n, 1n],
  Ti: [1024n ** 4n, 1n],
  Pi: [1024n ** 5n, 1n],
  Ei: [1024n ** 6n, 1n],
};
const form = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/;

/** A Kubernetes quantity times 1000, exact, fractions of a thousandth rounded up as the API does; undefined when it is none. */
export function parseMilli(written: unknown): bigint | undefined {
  const match = typeof written === 'string' || typeof written === 'number' ? form.exec(String(written)) : null;
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0', suffix = ''] = match;
  if (whole + fraction === '' || Math.abs(Number(exponent)) > 30) return undefined;
  const size = scaled(BigInt(whole + fraction), Number(exponent) - fraction.length, suffixes[suffix] ?? [1n, 1n]);
  return sign === '-' ? -size : size;
}

function scaled(digits: bigint, power: number, [times, over]: readonly [bigint, bigint]): bigint {
  const numerator = digits * times * 1000n * (power > 0 ? 10n ** BigInt(power) : 1n);
  const denominator = over * (power < 0 ? 10n ** BigInt(-power) : 1n);
  return (numerator + denominator - 1n) / denominator;
}

/** Whole units of a countable resource (GPUs); 0 when absent or not a quantity. */
export function wholeUnits(written: unknown): number {
  const milli = parseMilli(written);
  return milli === undefined || milli < 0n ? 0 : Number(milli / 1000n);
}
