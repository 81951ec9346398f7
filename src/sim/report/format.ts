/** Numbers as people read them. `-` stands for what does not exist; it is never drawn as 0. */
export const absent = '-';

/** A share as percent, rounded down to two decimals: 99.996 % attained is not 100 %. */
export function percent(share: number | null): string {
  if (share === null) return absent;
  const hundredths = Math.floor(share * 10_000 + 1e-9);
  return `${trimZeros((hundredths / 100).toFixed(2))}%`;
}

/** Seconds as ms below one second: `8.3ms`, `182ms`, `1.24s`, `143s`. */
export function latency(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return absent;
  const ms = seconds * 1000;
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}ms`;
  return `${threeDigits(seconds)}s`;
}

/** At least three significant digits, never an exponent: `0.52`, `18.2`, `1,204`. */
export function amount(value: number): string {
  return value >= 1000 ? count(value) : threeDigits(value);
}

export function count(value: number): string {
  return value.toFixed(0).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Time since the start of the trace: `07:12:30`, from a day on `1d 07:12:30`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return days > 0 ? `${days}d ${time}` : time;
}

/** A length of time in its two largest units: `45s`, `12min`, `1h 30min`, `2d 4h`. */
export function duration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [name, size] of units) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0) parts.push(`${whole}${name}`);
  }
  return parts.slice(0, 2).join(' ') || '0s';
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** Takes the text of a number with a decimal point. */
function trimZeros(text: string): string {
  return text.replace(/\.?0+$/, '');
}
