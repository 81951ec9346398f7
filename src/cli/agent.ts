import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../adapters/clock.ts';
import { type Log, openLog } from '../adapters/log.ts';
import { MetricRegistry } from '../adapters/telemetry/registry.ts';
import { statusServer } from '../adapters/telemetry/server.ts';
import { openAgent } from '../agent/compose.ts';
import type { NodeCacheClient } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';
import { specFileClient } from './agent-spec.ts';
import { bindAddress, type Listen } from './bind-address.ts';
import { wholeNumber } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { readToken } from './token-file.ts';

interface AgentFlags {
  readonly node?: string;
  readonly cacheDir: string;
  readonly hubEndpoint: string;
  readonly tokenFile?: string;
  readonly budget?: number;
  readonly watermark: number;
  readonly bandwidth?: number;
  readonly downloads: number;
  readonly metricsBind: Listen;
  readonly kubeconfig?: string;
  readonly spec?: string;
  readonly once?: boolean;
  readonly logLevel: string;
}

export function register(program: Command): void {
  program
    .command('agent')
    .description('keep the model files that this node is assigned: fetched, verified, published in one step')
    .option('--node <name>', 'name of the node whose NodeCache is followed (default: NODE_NAME, else the host name)')
    .requiredOption('--cache-dir <dir>', 'the cache, as HF_HUB_CACHE names it to the engines')
    .addOption(
      new Option('--hub-endpoint <url>', 'a hub that speaks the Hugging Face API')
        .env('HF_ENDPOINT')
        .default('https://huggingface.co')
        .argParser(httpUrl),
    )
    .option('--token-file <file>', 'file with the token for the hub; read anew for each request')
    .option('--budget <bytes>', 'most bytes the cache may hold, as 500Gi (default: up to the watermark)', byteCount)
    .option('--watermark <percent>', 'share of the disk that is never exceeded', wholeNumber({ min: 1, max: 100 }), 80)
    .option('--bandwidth <bytes>', 'most bytes a second for all downloads together, as 200Mi', byteCount)
    .option('--downloads <n>', 'files fetched at the same time', wholeNumber({ min: 1, max: 64 }), 4)
    .option('--metrics-bind <host:port>', 'own metrics and health; 0 switches them off', bindAddress, 'nowhere')
    .option('--kubeconfig <file>', 'how to reach the cluster (default: as kubectl, else the pod itself)')
    .option('--spec <file>', "no cluster: take the assignment from this file (a NodeCache's spec as YAML)")
    .option('--once', 'end when every artifact is Ready (exit code 0) or Failed (1)')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(run);
}

async function run(flags: AgentFlags): Promise<void> {
  const { signal, release } = interruptSignal();
  const [clock, log] = [systemClock(), openLog(flags.logLevel)];
  const [root, registry] = [resolve(flags.cacheDir), new MetricRegistry({ roles: ['agent'] })];
  const agent = await openAgent({
    ...flags,
    root,
    clock,
    log,
    telemetry: registry,
    random: Math.random,
    token: async () => await readToken(flags.tokenFile),
    client: await openClient(flags, clock, log),
    isOnce: flags.once === true,
  });
  const stopServing = await serveStatus(flags.metricsBind, registry);
  try {
    const status = await agent.run(signal);
    if (flags.once === true && status.artifacts.some(({ phase }) => phase !== 'Ready')) process.exitCode = 1;
  } finally {
    release();
    await stopServing();
    await agent.close();
  }
}

/** The agent is ready when it runs: whether models are is another question, and restarting it answers none. */
async function serveStatus(bind: Listen, metrics: MetricRegistry): Promise<() => Promise<void>> {
  if (bind === 'nowhere') return () => Promise.resolve();
  const server = statusServer({ metrics, ready: () => undefined });
  await server.listen(bind);
  return async () => await server.close();
}

async function openClient(flags: AgentFlags, clock: Clock, log: Log): Promise<NodeCacheClient> {
  if (flags.spec !== undefined) return await specFileClient(flags.spec, clock);
  const node = flags.node ?? process.env['NODE_NAME'] ?? hostname();
  const { clusterNodeCache } = await import('./agent-cluster.ts');
  return await clusterNodeCache({ node, kubeconfig: flags.kubeconfig, clock, log });
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError(`It must be an http or https address, was '${text}'.`);
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** `500Gi`, `200M` or plain bytes. */
function byteCount(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text) ?? [];
  const bytes = Math.floor(Number(amount) * (unitBytes[unit] ?? 0));
  if (amount !== '' && bytes > 0) return bytes;
  throw new InvalidArgumentError(`It must be a number of bytes above 0, as 500Gi or 200M, was '${text}'.`);
}
