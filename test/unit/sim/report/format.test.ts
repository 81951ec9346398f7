import { expect, test } from 'vitest';
import { amount, clock, count, duration, latency, percent } from '../../../../src/sim/report/format.ts';

const cases = {
  'a share is rounded down, so that 99.996 % is not called all': [percent(0.99996), '99.99%'],
  'a whole share has no decimals': [percent(1), '100%'],
  'a share that nobody measured is a dash': [percent(null), '-'],
  'a tenth keeps one decimal': [percent(0.995), '99.5%'],
  'a latency under 10 ms keeps a decimal': [latency(0.0083), '8.3ms'],
  'a latency under a second is in ms': [latency(0.1821), '182ms'],
  'a latency over a second is in s': [latency(1.239), '1.24s'],
  'a long latency has no decimals': [latency(143.2), '143s'],
  'a latency without requests is a dash': [latency(null), '-'],
  'a count has separators': [count(1234567), '1,234,567'],
  'an amount keeps three digits': [amount(18.24), '18.2'],
  'a small amount keeps three digits': [amount(0.5249), '0.52'],
  'a time of the first day': [clock(26_550), '07:22:30'],
  'a time of a later day': [clock(86_400 + 61), '1d 00:01:01'],
  'a length in its two largest units': [duration(5400), '1h 30min'],
  'no length': [duration(0), '0s'],
} as const;
for (const [name, [seen, want]] of Object.entries(cases)) {
  test(`${name}: ${want}`, () => expect(seen).toBe(want));
}
