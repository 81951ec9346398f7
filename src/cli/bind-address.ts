import { InvalidArgumentError } from 'commander';

/** Where a server listens. */
export interface Bind {
  readonly host: string;
  readonly port: number;
}

/** A word for nowhere: commander takes an undefined value for a failure and stores an empty string. */
export type Listen = Bind | 'nowhere';

/** `HOST:PORT`, `[V6]:PORT`, `:PORT`; `0` for nowhere. */
export function bindAddress(written: string): Listen {
  if (written === '0') return 'nowhere';
  const [, v6, name = '', port = ''] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d+)$/.exec(written) ?? [];
  if (port === '' || Number(port) > 65_535)
    throw new InvalidArgumentError(`It must be HOST:PORT, [IPv6]:PORT or 0, was '${written}'.`);
  return { host: v6 ?? (name === '' ? '::' : name), port: Number(port) };
}
