import { isIP } from 'node:net';
import { type Dispatcher, request } from 'undici';
import { TransferError } from '../failure.ts';

export type Headers = Readonly<Record<string, string>>;

/** The last answer of a chain of redirects. */
export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

export interface HttpOptions {
  readonly dispatcher: Dispatcher;
  /** The token is sent to this origin only. */
  readonly origin: string;
  readonly token: () => Promise<string | undefined>;
}

const maxHops = 5;
const headersTimeout = 30_000;
const idleTimeout = 60_000;

/** Plain GET that follows redirects itself: the token never leaves the hub's own origin, and nothing is decompressed. */
export class Http {
  readonly #options: HttpOptions;
  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async get(url: URL, headers: Headers, signal: AbortSignal): Promise<Answer> {
    let at = url;
    for (let hop = 0; hop <= maxHops; hop += 1) {
      const answer = await this.#once(at, headers, signal);
      const next = nextHop(answer);
      if (next === undefined) return answer;
      await dispose(answer);
      at = next;
    }
    throw new TransferError('DOWNLOAD_FAILED', `asking ${shown(url)}: more than ${maxHops} redirects`);
  }

  async #once(url: URL, headers: Headers, signal: AbortSignal): Promise<Answer> {
    try {
      const sent = {
        'accept-encoding': 'identity',
        'user-agent': 'forewarm',
        ...headers,
        ...(await this.#credentials(url)),
      };
      const { dispatcher } = this.#options;
      const options = { dispatcher, headers: sent, signal, headersTimeout, bodyTimeout: idleTimeout };
      const { statusCode, headers: got, body } = await request(url, options);
      return { url, status: statusCode, header: (name) => single(got[name]), body };
    } catch (err) {
      signal.throwIfAborted();
      throw new TransferError('DOWNLOAD_FAILED', `asking ${shown(url)}`, { cause: err });
    }
  }

  async #credentials(url: URL): Promise<Headers> {
    const token = url.origin === this.#options.origin ? await this.#options.token() : undefined;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }
}

/** A URL for people: without its query, which may be a signature. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Lets go of an answer that nobody will read. */
export async function dispose(answer: Answer): Promise<void> {
  await answer.body.dump({ limit: 65_536 });
}

/** Cuts an answer off; the stream's own complaint about that is nobody's concern. */
export function cutOff(answer: Answer): void {
  answer.body.on('error', () => undefined).destroy();
}

function nextHop(answer: Answer): URL | undefined {
  const { status, url } = answer;
  const location = answer.header('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next === undefined || !isAllowedHop(url, next)) {
    cutOff(answer);
    const where = next === undefined ? 'an unreadable address' : shown(next);
    throw new TransferError('DOWNLOAD_FAILED', `asking ${shown(url)}: a redirect to ${where} is refused`, {
      isPermanent: true,
    });
  }
  return next;
}

/** No step down from https, no other scheme, no address of the machine's own metadata services. */
function isAllowedHop(from: URL, to: URL): boolean {
  if (to.protocol !== 'https:' && to.protocol !== from.protocol) return false;
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return false;
  const host = to.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 || !/^(169\.254\.|fe[89ab]|fd00:ec2:|::ffff:a9fe:)/i.test(host);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
