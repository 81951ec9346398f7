import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { systemClock } from '../adapters/clock.ts';
import type { Allowance } from '../adapters/prometheus/allowance.ts';
import { openLog } from '../adapters/log.ts';
import { ForewarmError, isForewarmError } from '../errors.ts';
import { bindAddress, type Listen } from './bind-address.ts';
import { flagValues, readControllerConfig } from './controller-config.ts';
import { runController } from './controller-run.ts';
import { wholeNumber } from './flags.ts';
import { prometheusAllowOption } from './prometheus-allow.ts';

export interface ControllerFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly leaseName: string;
  readonly leaseNamespace?: string;
  readonly identity: string;
  readonly scrapeInterval?: number;
  readonly prometheusAllow: Allowance;
  readonly metricsBind: Listen;
  readonly adapterListen: Listen;
  readonly adapterAddress?: string;
  readonly adapterService: string;
  readonly adapterSecret: string;
  readonly adapterPeers: string;
  readonly podIp?: string;
  readonly hubEndpoint: string;
  readonly hubTokenFile?: string;
  readonly record?: string;
  readonly logLevel: string;
}

export function register(program: Command): void {
  const command = program
    .command('controller')
    .description('scale the pools of a cluster: watch, decide, write /scale and status, keep the nodes warm')
    .option('--config <file>', 'settings in YAML (kind ControllerConfig); flags win')
    .option('--kubeconfig <file>', 'how to reach the cluster (default: as kubectl, else the pod itself)')
    .option('-n, --namespace <name>', 'only autoscalers of this namespace (default: all)')
    .option('--lease-name <name>', 'Lease of the leader', 'forewarm')
    .addOption(
      new Option('--lease-namespace <name>', 'where the Lease is (default: the namespace of the context)').env(
        'POD_NAMESPACE',
      ),
    )
    .addOption(
      new Option('--identity <name>', 'of this process among its replicas').env('POD_NAME').default(hostname()),
    )
    .option(
      '--scrape-interval <seconds>',
      'overrides the interval of every autoscaler',
      wholeNumber({ min: 1, max: 300 }),
    )
    .addOption(prometheusAllowOption())
    .option('--metrics-bind <host:port>', 'own metrics and health; 0 switches them off', bindAddress, {
      host: '::',
      port: 8080,
    })
    .addOption(
      new Option('--hub-endpoint <url>', 'a hub that speaks the Hugging Face API')
        .env('HF_ENDPOINT')
        .default('https://huggingface.co'),
    )
    .addOption(
      new Option('--hub-token-file <file>', 'file with the token for the hub; read anew for each request').env(
        'HF_TOKEN_PATH',
      ),
    )
    .option('--record <file>', 'write each pass of this process to a log that `forewarm replay` reads')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(async (_flags: unknown, self: Command) => await run(await configured(self)));
  for (const option of doorOptions()) command.addOption(option);
}

/** Of external.metrics.k8s.io, served inside this process. */
function doorOptions(): readonly Option[] {
  return [
    new Option('--adapter-listen <host:port>', 'external.metrics.k8s.io; 0 switches it off')
      .argParser(bindAddress)
      .default({ host: '::', port: 6443 }),
    new Option('--adapter-address <host:port>', 'where other replicas reach it (default: POD_IP and its port)'),
    new Option('--adapter-service <name>', 'Service that the APIService names').default('forewarm'),
    new Option('--adapter-secret <name>', 'Secret with the serving certificate').default('forewarm-serving'),
    new Option('--adapter-peers <names>', 'service accounts that may ask the leader').default(
      'forewarm-controller,forewarm-adapter',
    ),
    new Option('--pod-ip <address>').env('POD_IP').hideHelp(),
  ];
}

/** Flags, filled up from the configuration where none was given. */
async function configured(command: Command): Promise<ControllerFlags> {
  const { config } = command.opts<{ readonly config?: string }>();
  const values = config === undefined ? {} : flagValues(await readControllerConfig(config));
  for (const [name, written] of Object.entries(values)) {
    if ((command.getOptionValueSource(name) ?? 'default') !== 'default') continue;
    command.setOptionValueWithSource(name, parsed(command, name, written), 'config');
  }
  return command.opts<ControllerFlags>();
}

function parsed(command: Command, name: string, written: string): unknown {
  const option = command.options.find((one) => one.attributeName() === name);
  try {
    const value: unknown = option?.parseArg?.(written, undefined) ?? written;
    return value;
  } catch (err) {
    throw new ForewarmError('CONFIG_INVALID', `the configuration's ${option?.long ?? name}`, { cause: err });
  }
}

async function run(flags: ControllerFlags): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort(new Error('interrupted'));
  process.once('SIGTERM', end).once('SIGINT', end);
  const log = openLog(flags.logLevel);
  try {
    await runController({ flags, clock: systemClock(), log, signal: stop.signal });
  } catch (err) {
    if (stop.signal.aborted) return;
    if (!isForewarmError(err, 'NOT_LEADER')) {
      log.fatal({ err }, 'Could not go on');
      // A handle that somebody left open must not keep a process that does nothing: it ends, and is started anew.
      setTimeout(() => process.exit(1), 2000).unref();
      throw err;
    }
    // Whatever still runs in here may not write any more: the process ends now, another one leads.
    log.fatal({ err }, 'Lost leadership');
    process.exit(1);
  }
}
