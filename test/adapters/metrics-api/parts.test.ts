import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discoveryVersionOf } from '../../../src/adapters/metrics-api/discovery.ts';
import { quantity } from '../../../src/adapters/metrics-api/quantity.ts';
import { parseSelector } from '../../../src/adapters/metrics-api/selector.ts';
import { decodeSeries, encodeSeries } from '../../../src/adapters/metrics-api/wire.ts';
import type { PublishedSeries } from '../../../src/ports/metric-source.ts';
import { epoch } from '../../support/builders.ts';

const quantities = {
  '0': 0n,
  '1500m': 1500n,
  '1': 1000n,
  '3': 3000n,
  '830m': 830n,
  '1m': 1n,
  '1k': 1_000_000n,
  '1500': 1_500_000n,
  '1001m': 1001n,
  '1G': 1_000_000_000_000n,
  '-1500m': -1500n,
  '-2': -2000n,
  '9223372036854775807m': 9_223_372_036_854_775_807n,
} as const;
describe('a quantity in its canonical form', () => {
  for (const [want, milli] of Object.entries(quantities)) {
    test(`${milli} thousandths are ${want}`, () => expect(quantity(milli)).toBe(want));
  }
  test('what a reader cannot hold is refused, not wrapped', () => {
    expect(() => quantity(2n ** 63n)).toThrow('a quantity must fit 64 bits');
  });
  test('every value reads back exactly', () => {
    const factor: Readonly<Record<string, bigint>> = {
      m: 1n,
      '': 10n ** 3n,
      k: 10n ** 6n,
      M: 10n ** 9n,
      G: 10n ** 12n,
      T: 10n ** 15n,
      P: 10n ** 18n,
    };
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), fc.nat({ max: 15 }), (n, zeros) => {
        const milli = BigInt.asIntN(62, (n / 10n ** BigInt(zeros)) * 10n ** BigInt(zeros));
        const [, digits = '', suffix = ''] = /^(-?\d+)([mkMGTP]?)$/.exec(quantity(milli)) ?? [];
        expect(BigInt(digits) * (factor[suffix] ?? 0n)).toBe(milli);
      }),
      { numRuns: 5000, seed: 20261126 },
    );
  });
});

const labels = { pool: 'chat', 'example.org/tier': 'gold', empty: '' };
const selectors = {
  '': true,
  'pool=chat': true,
  'pool==chat': true,
  'pool = chat': true,
  'pool=other': false,
  'pool!=other': true,
  'pool!=chat': false,
  'absent!=x': true,
  'absent=': false,
  'empty=': true,
  'pool in (chat,other)': true,
  'pool in (other)': false,
  'absent in (x)': false,
  'pool notin (other)': true,
  'pool notin (chat, other)': false,
  'absent notin (x)': true,
  pool: true,
  '!pool': false,
  '!absent': true,
  '! absent': true,
  absent: false,
  'example.org/tier=gold': true,
  'pool=chat,example.org/tier in (gold,silver),!absent': true,
  'pool=chat,absent': false,
  toString: false,
} as const;
describe('a label selector', () => {
  for (const [text, want] of Object.entries(selectors)) {
    test(`'${text}' ${want ? 'selects' : 'does not select'} the series`, () => {
      const parsed = parseSelector(text);
      expect(parsed.ok && parsed.value(labels)).toBe(want);
    });
  }
  for (const text of [
    'a=b=c',
    'a>1',
    'a in b',
    'a in (b',
    '=b',
    'a,,b',
    'a=b,',
    'a in (b c)',
    '-a=b',
    'a=-b',
    '!',
    'a like (b)',
  ]) {
    test(`'${text}' is none`, () => expect(parseSelector(text).ok).toBe(false));
  }
  test('nothing makes it throw', () => {
    const letters = 'ab=!,() innotin/.'.split('');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...letters) }), (text) => {
        expect(parseSelector(text)).toHaveProperty('ok');
      }),
      { numRuns: 5000, seed: 20261126 },
    );
  });
});

const accepts = {
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList': 'v2',
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json':
    'v2',
  'application/json;v=v2beta1;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList': 'v2beta1',
  'application/json': undefined,
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json': undefined,
  '*/*': undefined,
} as const;
describe('aggregated discovery', () => {
  for (const [accept, want] of Object.entries(accepts)) {
    test(`is ${want ?? 'not'} asked for by '${accept}'`, () => expect(discoveryVersionOf(accept)).toBe(want));
  }
});

describe('series between two replicas', () => {
  const one: PublishedSeries = {
    namespace: 'a',
    metric: 'm',
    labels: { x: 'y' },
    at: epoch,
    answer: { milli: 2n ** 62n },
  };
  const two: PublishedSeries = { ...one, answer: { problem: 'mode is Observe', isModeObserve: true } };
  test('arrive as they were sent', () => expect(decodeSeries(encodeSeries([one, two]))).toStrictEqual([one, two]));
  for (const text of [
    '',
    '{}',
    '{"series":[{}]}',
    '{"series":[{"labels":{},"namespace":"a","metric":"m","at":1,"answer":{}}]}',
    '<html>',
  ]) {
    test(`are not made from '${text}'`, () => expect(() => decodeSeries(text)).toThrow(/must|JSON|Unexpected/));
  }
});
