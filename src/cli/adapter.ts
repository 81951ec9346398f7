import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../adapters/clock.ts';
import { connectKube } from '../adapters/kube/connection.ts';
import { KubeHttp } from '../adapters/kube/http.ts';
import { openLog } from '../adapters/log.ts';
import { MetricRegistry } from '../adapters/telemetry/registry.ts';
import { statusServer } from '../adapters/telemetry/server.ts';
import { ForewarmError } from '../errors.ts';
import type { CertificateFiles } from '../adapters/metrics-api/certificate-keeper.ts';
import { DecisionTable } from '../loop/decision-table.ts';
import { serveMetricsApi } from './metrics-door.ts';

export { serveMetricsApi } from './metrics-door.ts';

interface AdapterFlags {
  readonly kubeconfig?: string;
  readonly listen: Endpoint;
  readonly metricsBind: Endpoint;
  readonly leaseName: string;
  readonly namespace?: string;
  readonly service: string;
  readonly secret: string;
  readonly peerAccounts: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly tlsCaFile?: string;
  readonly logLevel: string;
}

export function register(program: Command): void {
  program
    .command('adapter')
    .description('answer external.metrics.k8s.io with the decisions of the leading controller')
    .option('--kubeconfig <file>', 'how to reach the cluster (default: as kubectl, else the pod itself)')
    .addOption(bind('--listen <host:port>', 'where the API server reaches it', '0.0.0.0:6443'))
    .addOption(bind('--metrics-bind <host:port>', 'own metrics and health', '0.0.0.0:8080'))
    .addOption(
      new Option('--namespace <name>', 'of Lease, Service and Secret (default: that of the context)').env(
        'POD_NAMESPACE',
      ),
    )
    .option('--lease-name <name>', 'Lease of the leading controller', 'forewarm')
    .option('--service <name>', 'Service that the APIService names', 'forewarm')
    .option('--secret <name>', 'Secret with the serving certificate', 'forewarm-serving')
    .option(
      '--peer-accounts <names>',
      'service accounts that may ask the leader',
      'forewarm-controller,forewarm-adapter',
    )
    .option('--tls-cert-file <file>', 'serve this certificate; read again when it changed')
    .option('--tls-key-file <file>', 'its key')
    .option('--tls-ca-file <file>', 'its CA, by which the leader is verified')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(run);
}

async function run(flags: AdapterFlags): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort(new Error('interrupted'));
  process.once('SIGTERM', end).once('SIGINT', end);
  const files = certificateFiles(flags);
  const log = openLog(flags.logLevel);
  const clock = systemClock();
  const connection = await connectKube(flags.kubeconfig);
  const http = new KubeHttp({ connection, clock, random: Math.random, userAgent: 'forewarm-adapter' });
  const telemetry = new MetricRegistry({ roles: ['metrics API'] });
  const namespace = flags.namespace ?? connection.namespace;
  const door = serveMetricsApi({
    http,
    connection,
    clock,
    log,
    telemetry,
    metricNames: new DecisionTable(clock).metricNames(),
    ...flags.listen,
    ownAddress: undefined,
    namespace,
    service: flags.service,
    peerAccounts: flags.peerAccounts.split(',').map((name) => name.trim()),
    lease: { namespace, name: flags.leaseName },
    secret: flags.secret,
    ...(files === undefined ? {} : { files }),
  });
  const status = statusServer({ metrics: telemetry, ready: () => door.problem() });
  try {
    await status.listen(flags.metricsBind);
    await door.run(stop.signal);
  } finally {
    await status.close();
    await http.close();
  }
}

/** All three or none. */
function certificateFiles({ tlsCertFile, tlsKeyFile, tlsCaFile }: AdapterFlags): CertificateFiles | undefined {
  if (tlsCertFile !== undefined && tlsKeyFile !== undefined && tlsCaFile !== undefined) {
    return { certFile: tlsCertFile, keyFile: tlsKeyFile, caFile: tlsCaFile };
  }
  if (tlsCertFile === undefined && tlsKeyFile === undefined && tlsCaFile === undefined) return undefined;
  throw new ForewarmError('USAGE', '--tls-cert-file, --tls-key-file and --tls-ca-file must be given together');
}

function bind(flags: string, description: string, byDefault: string): Option {
  return new Option(flags, description).argParser(endpoint).default(endpoint(byDefault), byDefault);
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[v6]:port`. */
function endpoint(text: string): Endpoint {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new InvalidArgumentError(`It must be host:port, as 0.0.0.0:6443 or [::]:6443, was '${text}'.`);
}
