import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { explainError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { AccessReviewer, Caller, FrontProxy, Verdict, Wanted } from '../../ports/metrics-door.ts';
import { introduced, type Peer } from './front-proxy.ts';
import { group, Refusal } from './status.ts';

const reviewDeadlineMilliseconds = 10_000;
const keptMilliseconds = 10_000;
const mostKept = 2000;

export interface AccessOptions {
  readonly reviewer: AccessReviewer;
  readonly frontProxy: () => FrontProxy | undefined;
  readonly clock: Clock;
}

/** Who calls and what he may, as any extension API server does it; the API server's answers are kept for 10 s. */
export class Access {
  readonly #options: AccessOptions;
  readonly #tokens: Kept<Caller | undefined>;
  readonly #verdicts: Kept<Verdict>;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#tokens = new Kept(options.clock);
    this.#verdicts = new Kept(options.clock);
  }

  /** Throws a Refusal: 401 for a token that is not valid, 500 when nobody can tell. */
  async authenticate(request: IncomingMessage, peer: Peer): Promise<Caller> {
    const byProxy = introduced(request, peer, this.#options.frontProxy());
    if (byProxy !== undefined) return authenticated(byProxy);
    const token = bearerToken(request);
    if (token === undefined) return anonymous;
    const caller = await this.#whoIs(token);
    if (caller === undefined) throw new Refusal(401, 'Unauthorized');
    return authenticated(caller);
  }

  /** Throws a Refusal with 403, or 500 when nobody can tell. */
  async authorize(caller: Caller, wanted: Wanted): Promise<void> {
    if (caller.groups.includes('system:masters')) return;
    if (wanted.kind === 'path' && isOpen(wanted.path, caller)) return;
    const { isAllowed, reason } = await this.#may(caller, wanted);
    if (!isAllowed) throw forbidden(caller, wanted, reason);
  }

  #whoIs(token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    return reviewed('the token', () => this.#tokens.get(key, (signal) => this.#options.reviewer.whoIs(token, signal)));
  }

  #may(caller: Caller, wanted: Wanted): Promise<Verdict> {
    const key = JSON.stringify([caller, wanted]);
    return reviewed(`the access of ${JSON.stringify(caller.name)}`, () =>
      this.#verdicts.get(key, (signal) => this.#options.reviewer.may(caller, wanted, signal)),
    );
  }
}

async function reviewed<T>(what: string, review: () => Promise<T>): Promise<T> {
  try {
    return await review();
  } catch (err) {
    throw new Refusal(500, `Internal error occurred: reviewing ${what}: ${explainError(err)}`);
  }
}

const anonymous: Caller = { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} };

/** Every caller with a name belongs to system:authenticated, said or not: the aggregator asks for discovery without any group. */
function authenticated(caller: Caller): Caller {
  if (caller.name === anonymous.name || caller.groups.includes('system:authenticated')) return caller;
  return { ...caller, groups: [...caller.groups, 'system:authenticated'] };
}

/** Health for everybody, discovery for everybody with a name: Kubernetes' own default roles say the same. */
function isOpen(path: string, { groups }: Caller): boolean {
  if (/^\/(healthz|livez|readyz|version)$/.test(path)) return true;
  return groups.includes('system:authenticated') && /^\/(apis|openapi)(\/|$)/.test(path);
}

function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
}

function forbidden({ name }: Caller, wanted: Wanted, reason = ''): Refusal {
  const because = reason === '' ? '' : `: ${reason}`;
  if (wanted.kind === 'path') {
    return new Refusal(
      403,
      `forbidden: User ${JSON.stringify(name)} cannot get path ${JSON.stringify(wanted.path)}${because}`,
    );
  }
  const { metric, namespace } = wanted;
  const resource = `resource ${JSON.stringify(metric)} in API group ${JSON.stringify(group)}`;
  const sentence = `User ${JSON.stringify(name)} cannot list ${resource} in the namespace ${JSON.stringify(namespace)}`;
  return new Refusal(403, `${metric}.${group} is forbidden: ${sentence}${because}`, { group, kind: metric });
}

/** Answers by key, each for 10 s; callers at the same time share one question. A failed question is not kept. */
class Kept<T> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: Promise<T> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const now = this.#clock.monotonic();
    const known = this.#answers.get(key);
    if (known !== undefined && now - known.at < keptMilliseconds) return known.answer;
    this.#makeRoom(now);
    const answer = ask(AbortSignal.timeout(reviewDeadlineMilliseconds));
    const entry = { at: now, answer };
    this.#answers.set(key, entry);
    answer.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    });
    return answer;
  }

  #makeRoom(now: number): void {
    if (this.#answers.size < mostKept) return;
    for (const [key, { at }] of this.#answers) if (now - at >= keptMilliseconds) this.#answers.delete(key);
    for (const key of this.#answers.keys()) {
      if (this.#answers.size < mostKept) break;
      this.#answers.delete(key);
    }
  }
}
