import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Caller, FrontProxy } from '../../ports/metrics-door.ts';
import { Refusal } from './status.ts';

/** What TLS says of the other end. */
export interface Peer {
  /** Its certificate was verified under the front proxy's CA, and is one for clients. */
  readonly isVerified: boolean;
  readonly commonNames: readonly string[];
}

/** The other end of the request's own connection; plain connections have no verified peer. */
export function peerOf({ socket }: IncomingMessage): Peer {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { isVerified: false, commonNames: [] };
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return { isVerified: true, commonNames: [name].flat().filter((one) => typeof one === 'string') };
}

/**
 * The caller that the front proxy introduces. Undefined when this is not the front proxy: then nothing of the headers is believed. TLS is given
 * the front proxy's CA alone, because it cannot tell which of several CAs signed.
 */
export function introduced(request: IncomingMessage, peer: Peer, proxy: FrontProxy | undefined): Caller | undefined {
  if (proxy === undefined || !peer.isVerified) return undefined;
  const isNamed = peer.commonNames.some((name) => proxy.allowedNames.includes(name));
  if (proxy.allowedNames.length > 0 && !isNamed) return undefined;
  const headers = headerPairs(request.rawHeaders);
  const name = first(headers, proxy.usernameHeaders);
  if (name === undefined) throw new Refusal(401, 'Unauthorized');
  const uid = first(headers, proxy.uidHeaders);
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: headers.filter(([header]) => isOneOf(proxy.groupHeaders, header)).map(([, value]) => value),
    extra: extraOf(headers, proxy.extraPrefixes),
  };
}

type Headers = readonly (readonly [string, string])[];

/** From the raw list: Node joins repeated headers with commas, and a group's name may hold one. */
function headerPairs(raw: readonly string[]): Headers {
  return Array.from({ length: raw.length / 2 }, (_, i) => [(raw[2 * i] ?? '').toLowerCase(), raw[2 * i + 1] ?? '']);
}

function isOneOf(names: readonly string[], header: string): boolean {
  return names.some((name) => name.toLowerCase() === header);
}

function first(headers: Headers, names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = headers.find(([header, value]) => header === name.toLowerCase() && value !== '');
    if (found !== undefined) return found[1];
  }
  return undefined;
}

function extraOf(headers: Headers, prefixes: readonly string[]): Caller['extra'] {
  const extra = new Map<string, string[]>();
  for (const [header, value] of headers) {
    const prefix = prefixes.find((one) => header.startsWith(one.toLowerCase()));
    if (prefix === undefined) continue;
    const key = decoded(header.slice(prefix.length));
    extra.set(key, [...(extra.get(key) ?? []), value]);
  }
  return Object.fromEntries(extra);
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    return key; // a stray percent sign is part of the name
  }
}
