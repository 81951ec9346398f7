import { allMissing } from '../../core/model/engines/samples.ts';
import { describe, ok, problem, type Problem, type Result } from '../../core/model/result.ts';
import type { Instant } from '../../core/model/units.ts';
import type { ReplicaAddress, ReplicaReader, ReplicaReading } from '../../ports/replica-reader.ts';

/** The word for every Service of the cluster by its own name. */
export const clusterServices = 'cluster';
const serviceHost = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?\.[a-z0-9]([a-z0-9-]*[a-z0-9])?\.svc(\.cluster\.local)?\.?$/;

/**
 * Which Prometheus servers may be asked. Whoever may write an InferenceAutoscaler names an address, and this process would call it from inside
 * the cluster: only the installation says which addresses those may be.
 */
export interface Allowance {
  /** As written, for messages. */
  readonly words: readonly string[];
  readonly anyService: boolean;
  readonly bases: readonly URL[];
}

export function parseAllowance(words: readonly string[]): Result<Allowance> {
  const bases: URL[] = [];
  for (const word of words) {
    if (word === clusterServices) continue;
    const base = URL.parse(word);
    if (base === null || !isPlain(base))
      return problem(
        'prometheusAllow',
        word,
        `'${clusterServices}' or an http or https address without user name, query and fragment`,
      );
    bases.push(base);
  }
  return ok({ words, anyService: words.includes(clusterServices), bases });
}

/** What is wrong with the address that an autoscaler names, or nothing. */
export function refusalOf(address: string, { words, anyService, bases }: Allowance): Problem | undefined {
  const url = URL.parse(address);
  const isAllowed =
    url !== null &&
    isPlain(url) &&
    ((anyService && serviceHost.test(url.hostname)) || bases.some((base) => isUnder(base, url)));
  if (isAllowed) return undefined;
  const allowed = words.map((word) => (word === clusterServices ? 'http(s)://NAME.NAMESPACE.svc' : word)).join(', ');
  return problem(
    'spec.signals.prometheus.url',
    address,
    `under ${allowed === '' ? 'no address at all' : allowed} (the controller's --prometheus-allow)`,
  ).problem;
}

/** Stands for a server that may not be asked: every replica's samples are missing, and why is said. No request is made. */
export class RefusedSource implements ReplicaReader {
  readonly #problem: string;

  constructor(refusal: Problem) {
    this.#problem = describe(refusal);
  }

  read(replicas: readonly ReplicaAddress[], _now: Instant): Promise<ReadonlyMap<string, ReplicaReading>> {
    const reading: ReplicaReading = {
      samples: allMissing('QueryFailed'),
      failure: 'QueryFailed',
      problem: this.#problem,
    };
    return Promise.resolve(new Map(replicas.map(({ id }) => [id, reading])));
  }
}

function isPlain({ protocol, username, password, search, hash }: URL): boolean {
  return (protocol === 'http:' || protocol === 'https:') && username + password + search + hash === '';
}

/** Same scheme, host and port, and a path that is the base's or goes on where it ends. */
function isUnder(base: URL, url: URL): boolean {
  const path = base.pathname.replace(/\/+$/, '');
  return url.origin === base.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`));
}
