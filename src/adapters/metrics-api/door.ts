import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { MetricSource } from '../../ports/metric-source.ts';
import type {
  AccessReviewer,
  AuthConfig,
  DoorRegistration,
  FrontProxy,
  ServingCertificate,
} from '../../ports/metrics-door.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { Access } from './access.ts';
import type { CertificateSource } from './certificate-keeper.ts';
import { endOf } from './certificate.ts';
import type { Peer } from './front-proxy.ts';
import { metricsDoor, secureContext, type TlsMaterial } from './server.ts';

export interface MetricsDoorOptions {
  readonly host: string;
  readonly port: number;
  readonly source: MetricSource;
  readonly local?: MetricSource;
  readonly peers: readonly string[];
  readonly certificates: CertificateSource;
  readonly authConfig: AuthConfig;
  readonly reviewer: AccessReviewer;
  /** Absent: somebody else cares for the APIService. */
  readonly registration?: DoorRegistration;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly programVersion: string;
  readonly onProblem: (err: unknown, what: string) => void;
  readonly peerOf?: (request: IncomingMessage) => Peer;
  /** Ends what the source holds open. */
  readonly close?: () => Promise<void>;
}

const lookMilliseconds = 30_000;
const retryMilliseconds = 2000;

/** The door with everything that rotates: certificate, the front proxy's CA, the trust of the cluster. */
export class MetricsDoor {
  readonly #options: MetricsDoorOptions;
  #app: FastifyInstance<Server> | undefined;
  #certificate: ServingCertificate | undefined;
  #frontProxy: FrontProxy | undefined;
  #isFrontProxyKnown = false;
  #foreignOwner: string | undefined;

  constructor(options: MetricsDoorOptions) {
    this.#options = options;
  }

  /** The CA under which replicas serve. */
  get ca(): string | undefined {
    return this.#certificate?.ca;
  }

  /** Who answers for the group in our place; undefined while we do. */
  get foreignOwner(): string | undefined {
    return this.#foreignOwner;
  }

  /** Ready is: listening. It depends on no leader, no engine, no Prometheus: a door that is shut blocks deletion of namespaces. */
  problem(): string | undefined {
    return this.#app === undefined ? 'the metrics door is not open yet' : undefined;
  }

  /** Opens as soon as there is a certificate, keeps everything fresh until the signal, then closes gracefully. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const isFine = await this.#refresh(signal);
        await this.#options.clock.sleep(isFine ? lookMilliseconds : retryMilliseconds, signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      await this.#app?.close();
      await this.#options.close?.();
    }
  }

  /** The address it listens on; undefined before it opened. */
  address(): { readonly host: string; readonly port: number } | undefined {
    const first = this.#app?.server.address();
    return typeof first === 'object' && first !== null ? { host: first.address, port: first.port } : undefined;
  }

  /** Each part on its own: one that cannot be read does not hold up the others. */
  async #refresh(signal: AbortSignal): Promise<boolean> {
    const before = this.#tls();
    const parts = [
      await this.#try('reading the front proxy of the API server', signal, async () => this.#readFrontProxy(signal)),
      await this.#try('keeping the serving certificate', signal, async () => this.#readCertificate(signal)),
    ];
    const tls = this.#tls();
    // Only a known front proxy opens the door: without one every call of the API server would be anonymous.
    if (tls !== undefined && this.#isFrontProxyKnown) {
      if (this.#app === undefined) await this.#open(tls);
      else if (JSON.stringify(before) !== JSON.stringify(tls)) this.#app.server.setSecureContext(secureContext(tls));
    }
    parts.push(await this.#try('registering the metrics door', signal, async () => this.#register(signal)));
    return this.#app !== undefined && parts.every(Boolean);
  }

  async #try(what: string, signal: AbortSignal, part: () => Promise<void>): Promise<boolean> {
    try {
      await part();
      return true;
    } catch (err) {
      signal.throwIfAborted();
      this.#options.onProblem(err, what);
      return false;
    }
  }

  async #readFrontProxy(signal: AbortSignal): Promise<void> {
    this.#frontProxy = await this.#options.authConfig.frontProxy(signal);
    this.#isFrontProxyKnown = true;
  }

  async #readCertificate(signal: AbortSignal): Promise<void> {
    const certificate = await this.#options.certificates.current(signal);
    if (certificate === undefined)
      throw new ForewarmError('CONFIG_INVALID', 'nobody has issued a serving certificate yet');
    this.#certificate = certificate;
    this.#options.telemetry.set('forewarm_serving_certificate_expiry_timestamp_seconds', endOf(certificate) / 1000);
  }

  /** Before the first request can come, and each time the CA changed or somebody else took the group. */
  async #register(signal: AbortSignal): Promise<void> {
    const { ca } = this;
    if (ca === undefined || this.#options.registration === undefined) return;
    const { foreignOwner } = await this.#options.registration.trust(ca, signal);
    this.#foreignOwner = foreignOwner;
  }

  #tls(): TlsMaterial | undefined {
    if (this.#certificate === undefined) return undefined;
    const { cert, key } = this.#certificate;
    return { cert, key, ...(this.#frontProxy === undefined ? {} : { clientCa: this.#frontProxy.ca }) };
  }

  async #open(tls: TlsMaterial): Promise<void> {
    const { host, port, reviewer, clock, onProblem } = this.#options;
    const access = new Access({ reviewer, clock, frontProxy: () => this.#frontProxy });
    const app = metricsDoor({
      ...this.#options,
      access,
      tls,
      ready: () => undefined,
      onFailure: (err, path) => onProblem(err, `answering ${path}`),
    });
    await app.listen({ host, port, ...(isIPv6(host) ? { ipv6Only: false } : {}) });
    this.#app = app;
  }
}
