import { describe, expect, test } from 'vitest';
import { parseAllowance, refusalOf, RefusedSource } from '../../../src/adapters/prometheus/allowance.ts';
import { describe as inWords } from '../../../src/core/model/result.ts';
import { epoch } from '../../support/builders.ts';

function isAllowed(address: string, ...words: readonly string[]): boolean {
  const parsed = parseAllowance(words);
  if (!parsed.ok) throw new Error(inWords(parsed.problem));
  return refusalOf(address, parsed.value) === undefined;
}

describe('by default any Service of the cluster, by its own name', () => {
  const addresses: Readonly<Record<string, boolean>> = {
    'http://prometheus.monitoring.svc:9090': true,
    'https://thanos-query.o11y.svc.cluster.local/prefix': true,
    'http://prometheus.monitoring.svc.cluster.local.': true,
    'http://127.0.0.1:9090': false,
    'http://localhost:9090': false,
    'http://[::1]:9090': false,
    'http://0x7f.1': false,
    'http://169.254.169.254/latest': false,
    'http://prometheus.monitoring:9090': false,
    'http://prometheus.monitoring.svc.evil.example': false,
    'http://monitoring.svc': false,
    'http://a.b.c.svc': false,
    'http://user@prometheus.monitoring.svc': false,
    'http://prometheus.monitoring.svc/?x=': false,
    'file:///etc/passwd': false,
    'prometheus.monitoring.svc': false,
    '': false,
  };
  for (const [address, want] of Object.entries(addresses))
    test(`${address} is ${want ? '' : 'not '}asked`, () => expect(isAllowed(address, 'cluster')).toBe(want));
});

describe('an address prefix', () => {
  const base = 'https://prom.example:8443/team-a';
  const addresses: Readonly<Record<string, boolean>> = {
    [base]: true,
    [`${base}/`]: true,
    'https://prom.example:8443/team-a/deeper': true,
    'https://PROM.example:8443/team-a': true,
    'https://prom.example:8443/team-abc': false,
    'https://prom.example:8443/team-a/../team-b': false,
    'https://prom.example:8443/team-a/%2e%2e/team-b': false,
    'https://prom.example:8443': false,
    'http://prom.example:8443/team-a': false,
    'https://prom.example/team-a': false,
    'https://prom.example:8443@evil.example/team-a': false,
    'http://prometheus.monitoring.svc': false,
  };
  for (const [address, want] of Object.entries(addresses))
    test(`allows ${address}: ${want}`, () => expect(isAllowed(address, base)).toBe(want));
  test('adds to the Services when both are named', () => {
    expect(isAllowed('http://prometheus.monitoring.svc', base, 'cluster')).toBe(true);
    expect(isAllowed('http://127.0.0.1:9090', 'http://127.0.0.1:9090', 'cluster')).toBe(true);
  });
});

test('a prefix that is no address is refused by name', () => {
  for (const word of ['prom.example:9090', 'ftp://prom', 'http://user:secret@prom', 'http://prom?x', 'clusters']) {
    const parsed = parseAllowance(['cluster', word]);
    expect(parsed.ok ? 'accepted' : inWords(parsed.problem)).toMatch(/must be 'cluster' or an http or https address/);
  }
});

test('the refusal says what is allowed and who says so; every replica is missing for it', async () => {
  const parsed = parseAllowance(['cluster', 'https://prom.example']);
  const refusal = parsed.ok ? refusalOf('http://169.254.169.254', parsed.value) : undefined;
  if (refusal === undefined) throw new Error('it was allowed');
  const replica = { id: 'u1', pool: 'a/b', address: '10.0.0.1', port: 1, path: '/', scheme: 'http' } as const;
  const read = await new RefusedSource(refusal).read([{ ...replica, engine: 'Auto', namespace: 'a', pod: 'p' }], epoch);
  expect(read.get('u1')).toMatchObject({ failure: 'QueryFailed', samples: { waiting: { kind: 'missing' } } });
  expect(read.get('u1')?.problem).toBe(
    '`spec.signals.prometheus.url` must be under http(s)://NAME.NAMESPACE.svc, https://prom.example ' +
      '(the controller\'s --prometheus-allow), was "http://169.254.169.254"',
  );
});
