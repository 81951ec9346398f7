import { Command } from 'commander';
import { expect, test } from 'vitest';
import { bindAddress } from '../../../src/cli/bind-address.ts';

function parsed(written: string): unknown {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  program.option('--listen <host:port>', '', bindAddress, { host: '::', port: 8080 });
  return program.parse(['--listen', written], { from: 'user' }).opts()['listen'];
}

const cases: Readonly<Record<string, readonly [written: string, want: unknown]>> = {
  'a name and a port': ['localhost:8080', { host: 'localhost', port: 8080 }],
  'an IPv6 address': ['[::1]:0', { host: '::1', port: 0 }],
  'a port on every address': [':6443', { host: '::', port: 6443 }],
  '0 for nowhere': ['0', 'nowhere'],
};
for (const [name, [written, want]] of Object.entries(cases)) {
  test(`an address to listen on may be ${name}`, () => expect(parsed(written)).toStrictEqual(want));
}

for (const written of ['8080', 'localhost', '::1:80', 'a:65536', '']) {
  test(`'${written}' is no address to listen on`, () => expect(() => parsed(written)).toThrow('must be HOST:PORT'));
}
