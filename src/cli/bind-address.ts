import { InvalidArgumentError } from 'commander';

/** Where a server listens. */
export interface Bind {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[V6]:PORT`, `:PORT`; `0` for none. */
export function bindAddress(written: string): Bind | undefined {
  if (written === '0') return undefined;
  const [, v6, name = '', port = ''] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d+)$/.exec(written) ?? [];
  if (port === '' || Number(port) > 65_535)
    throw new InvalidArgumentError(`It must be HOST:PORT, [IPv6]:PORT or 0, was '${written}'.`);
  return { host: v6 ?? (name === '' ? '::' : name), port: Number(port) };
}
