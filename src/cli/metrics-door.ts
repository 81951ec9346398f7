import pkg from '../../package.json' with { type: 'json' };
import { KubeAccessReviewer } from '../adapters/kube/access-review.ts';
import { MetricsApiService } from '../adapters/kube/api-service.ts';
import { KubeAuthConfig } from '../adapters/kube/auth-config.ts';
import type { KubeConnection } from '../adapters/kube/connection.ts';
import type { KubeHttp } from '../adapters/kube/http.ts';
import { LeaseLeaderAddress } from '../adapters/kube/leader-address.ts';
import { ServingSecret } from '../adapters/kube/serving-secret.ts';
import type { Log } from '../adapters/log.ts';
import {
  CertificateFileSource,
  type CertificateFiles,
  CertificateKeeper,
  type CertificateSource,
} from '../adapters/metrics-api/certificate-keeper.ts';
import { MetricsDoor } from '../adapters/metrics-api/door.ts';
import { LeaderSource } from '../adapters/metrics-api/leader-source.ts';
import type { Clock } from '../ports/index.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Telemetry } from '../ports/telemetry.ts';

export interface ServeMetricsOptions {
  readonly http: KubeHttp;
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** This process's decisions; absent in a process that never leads. */
  readonly local?: MetricSource;
  readonly metricNames: readonly string[];
  readonly host: string;
  readonly port: number;
  /** What we say on the Lease when we lead: a lease that says so is not asked by us. */
  readonly ownAddress: string | undefined;
  readonly namespace: string;
  readonly service: string;
  /** Service accounts of the namespace whose processes may ask the leader. */
  readonly peerAccounts: readonly string[];
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly secret: string;
  /** Given: somebody else issues the certificate and cares for the APIService, as a process that may lead does otherwise. */
  readonly files?: CertificateFiles;
}

/** The metrics door as parts of this process: run it beside whatever else runs. */
export function serveMetricsApi(options: ServeMetricsOptions): MetricsDoor {
  const { http, connection, clock, log, telemetry, namespace, service, files } = options;
  const serverName = `${service}.${namespace}.svc`;
  const source = new LeaderSource({
    ...options,
    leader: new LeaseLeaderAddress(http, options.lease),
    token: () => ownToken(connection),
    ca: () => door.ca,
    serverName,
  });
  const door = new MetricsDoor({
    ...options,
    source,
    close: () => source.close(),
    peers: options.peerAccounts.map((account) => `system:serviceaccount:${namespace}:${account}`),
    certificates: files === undefined ? keeper(options, serverName) : new CertificateFileSource(files),
    authConfig: new KubeAuthConfig(http),
    reviewer: new KubeAccessReviewer(http),
    ...(files === undefined && options.local !== undefined
      ? { registration: new MetricsApiService(http, { namespace, name: service }) }
      : {}),
    clock,
    telemetry,
    programVersion: pkg.version,
    onProblem: (err, what) => log.warn({ err, what }, 'Could not do a part of the metrics door'),
  });
  return door;
}

function keeper({ http, namespace, secret, clock, log }: ServeMetricsOptions, serverName: string): CertificateSource {
  return new CertificateKeeper({
    store: new ServingSecret(http, { namespace, name: secret }),
    names: [serverName],
    clock,
    onIssued: (because) => log.info({ secret, because }, 'Issued a serving certificate'),
  });
}

async function ownToken(connection: KubeConnection): Promise<string | undefined> {
  const { headers } = await connection.credentials();
  return /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
}
