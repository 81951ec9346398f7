import { instant } from '../../src/core/model/units.ts';
import { ForewarmError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports/index.ts';
import type { MetricSource, PublishedSeries } from '../../src/ports/metric-source.ts';
import type {
  AccessReviewer,
  AuthConfig,
  Caller,
  CertificateStore,
  FrontProxy,
  ServingCertificate,
  Verdict,
  Wanted,
} from '../../src/ports/metrics-door.ts';
import { epoch } from './builders.ts';

/** A clock that moves when told; sleepers wake when its time has come. */
export class ManualClock implements Clock {
  #milliseconds = 0;
  readonly #epoch: number;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  /** TLS looks at the machine's clock: tests with real certificates begin there. */
  constructor(begin: number = epoch) {
    this.#epoch = begin;
  }

  now(): ReturnType<Clock['now']> {
    return instant(this.#epoch + this.#milliseconds);
  }
  monotonic(): number {
    return this.#milliseconds;
  }
  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper = { until: this.#milliseconds + milliseconds, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
  pass(seconds: number): void {
    this.#milliseconds += seconds * 1000;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#milliseconds) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** Series in memory; `isLeading` false: it knows nothing. */
export class FakeSource implements MetricSource {
  isLeading = true;
  readonly #all: readonly PublishedSeries[];
  constructor(all: readonly PublishedSeries[]) {
    this.#all = all;
  }
  series(namespace: string, metric: string): Promise<readonly PublishedSeries[]> {
    if (!this.isLeading)
      return Promise.reject(new ForewarmError('NOT_LEADER', 'no pass has been made by this process'));
    return Promise.resolve(this.#all.filter((one) => one.namespace === namespace && one.metric === metric));
  }
  metricNames(): readonly string[] {
    return ['forewarm_desired_replicas', 'forewarm_pool_waiting'];
  }
}

/** Tokens and rights as given; counts how often it is asked. */
export class FakeReviewer implements AccessReviewer {
  asked = 0;
  isDown = false;
  readonly #tokens: Readonly<Record<string, Caller>>;
  readonly #may: (caller: Caller, wanted: Wanted) => boolean;
  constructor(
    tokens: Readonly<Record<string, Caller>> = {},
    may: (caller: Caller, wanted: Wanted) => boolean = () => false,
  ) {
    this.#tokens = tokens;
    this.#may = may;
  }
  whoIs(token: string): Promise<Caller | undefined> {
    return this.#answer(() => this.#tokens[token]);
  }
  may(caller: Caller, wanted: Wanted): Promise<Verdict> {
    return this.#answer(() => ({ isAllowed: this.#may(caller, wanted), reason: '' }));
  }
  #answer<T>(answer: () => T): Promise<T> {
    this.asked += 1;
    if (this.isDown) return Promise.reject(new ForewarmError('KUBE_REQUEST_FAILED', 'connect ECONNREFUSED'));
    return Promise.resolve(answer());
  }
}

export class FakeAuthConfig implements AuthConfig {
  proxy: FrontProxy | undefined;
  constructor(proxy: FrontProxy | undefined) {
    this.proxy = proxy;
  }
  frontProxy(): Promise<FrontProxy | undefined> {
    return Promise.resolve(this.proxy);
  }
}

/** A Secret in memory, with versions. */
export class FakeCertificateStore implements CertificateStore {
  #certificate: ServingCertificate | undefined;
  #version = 1;
  mayWrite = true;
  load(): ReturnType<CertificateStore['load']> {
    return Promise.resolve({ certificate: this.#certificate, version: String(this.#version) });
  }
  save(certificate: ServingCertificate, version: string): Promise<boolean> {
    if (!this.mayWrite || version !== String(this.#version)) return Promise.resolve(false);
    this.#certificate = certificate;
    this.#version += 1;
    return Promise.resolve(true);
  }
}

export function caller(name: string, ...groups: readonly string[]): Caller {
  return { name, groups, extra: {} };
}

/** The names that kube-apiserver uses. */
export function frontProxy(ca = 'no certificate', over: Partial<FrontProxy> = {}): FrontProxy {
  return {
    ca,
    allowedNames: ['front-proxy-client'],
    usernameHeaders: ['X-Remote-User'],
    uidHeaders: ['X-Remote-Uid'],
    groupHeaders: ['X-Remote-Group'],
    extraPrefixes: ['X-Remote-Extra-'],
    ...over,
  };
}
