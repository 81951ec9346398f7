import { type Command, Option } from 'commander';
import { StatusBoard } from '../adapters/kube/board.ts';
import { MetricsOwner } from '../adapters/kube/metrics-owner.ts';
import { systemClock } from '../adapters/clock.ts';
import { openLog } from '../adapters/log.ts';
import type { Allowance } from '../adapters/prometheus/allowance.ts';
import { freshMemory } from '../core/propose.ts';
import { tick, type TickInput, type TickOutput } from '../core/tick.ts';
import { explainError, ForewarmError } from '../errors.ts';
import type { Clock } from '../ports/index.ts';
import { type ClusterParts, openCluster } from './cluster-parts.ts';
import { oneOf, wholeNumber } from './flags.ts';
import { prometheusAllowOption } from './prometheus-allow.ts';
import { planJson, planText, type PlanView } from './plan-text.ts';

interface PlanFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly prometheusAllow: Allowance;
  readonly watch: number;
  readonly output: 'text' | 'json';
  readonly logLevel: string;
}

const syncMilliseconds = 30_000;

export function register(program: Command): void {
  program
    .command('plan')
    .argument('[name]', 'only this autoscaler, as NAME or NAMESPACE/NAME')
    .description('look at a cluster once and print what the controller would do; writes nothing')
    .option('--kubeconfig <file>', 'how to reach the cluster (default: as kubectl, else the pod itself)')
    .option('-n, --namespace <name>', 'only autoscalers of this namespace (default: all)')
    .option(
      '--watch <seconds>',
      'between two readings of the replicas, from which rates are taken',
      wholeNumber({ min: 1, max: 300 }),
      5,
    )
    .addOption(prometheusAllowOption())
    .addOption(new Option('-o, --output <form>', 'text or json').default('text').argParser(oneOf('text', 'json')))
    .option('--log-level <level>', 'debug, info, warn or error', 'error')
    .action(run);
}

async function run(name: string | undefined, flags: PlanFlags): Promise<void> {
  const clock = systemClock();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  const watch = new AbortController();
  const refused: unknown[] = [];
  const parts = await openCluster({
    flags,
    clock,
    log: openLog(flags.logLevel),
    userAgent: 'forewarm-plan',
    onRefused: (err) => refused.push(err),
  });
  const watching = parts.cluster.run(watch.signal);
  try {
    await synced({ parts, clock, refused }, stop.signal);
    const view = await look({ parts, clock, seconds: flags.watch }, stop.signal);
    const chosen = only(view, name, flags.namespace);
    process.stdout.write(
      flags.output === 'json' ? `${JSON.stringify(planJson(chosen), undefined, 2)}\n` : planText(chosen),
    );
  } finally {
    watch.abort();
    await watching;
    await parts.close();
  }
}

interface Syncing {
  readonly parts: ClusterParts;
  readonly clock: Clock;
  readonly refused: readonly unknown[];
}

/** A kind that is not installed or not allowed will not come by waiting. */
async function synced({ parts, clock, refused }: Syncing, signal: AbortSignal): Promise<void> {
  const until = clock.monotonic() + syncMilliseconds;
  while (!parts.cluster.isSynced) {
    const [first] = refused;
    if (first !== undefined) throw first;
    if (clock.monotonic() > until) {
      throw new ForewarmError(
        'KUBE_REQUEST_FAILED',
        `listing ${parts.cluster.unsynced().join(', ')}: no answer within ${syncMilliseconds / 1000} s`,
      );
    }
    await clock.sleep(50, signal);
  }
}

interface Looking {
  readonly parts: ClusterParts;
  readonly clock: Clock;
  readonly seconds: number;
}

/** Two readings, two ticks on the memory that the controller stored: the first gives the second its rates. */
async function look({ parts, clock, seconds }: Looking, signal: AbortSignal): Promise<PlanView> {
  // Whoever may not ask is not told: the rest of the plan stands.
  const owner = new MetricsOwner(parts.http, clock, () => undefined);
  const board = readOnlyBoard(parts, clock, owner);
  const memory = await board.load(signal);
  await parts.readings.once(signal);
  const first = tick(memory, await parts.sensors.observe());
  await clock.sleep(seconds * 1000, signal);
  await Promise.all([parts.readings.once(signal), owner.look(signal)]);
  const input: TickInput = await parts.sensors.observe();
  const output: TickOutput = tick(first.memory, input);
  return { input, output, statuses: board.preview(output, input), problems: parts.sensors.problems };
}

/** The controller's board with its hand tied: every write asks first. */
function readOnlyBoard(parts: ClusterParts, clock: Clock, owner: MetricsOwner): StatusBoard {
  const refuse = (): never => {
    throw new ForewarmError('NOT_LEADER', 'a plan writes nothing');
  };
  return new StatusBoard({
    http: parts.http,
    clock,
    random: Math.random,
    cluster: parts.cluster,
    assertFresh: refuse,
    problems: () => parts.sensors.problems,
    dangling: (autoscaler) => parts.decoder.dangling(autoscaler, parts.cluster),
    events: { record: () => undefined },
    failureOf: () => undefined,
    metricsOwner: () => owner.current(),
    readingProblem: (replicas) => parts.readings.problemOf(replicas),
    freshMemory,
    onProblem: (pool, err) => process.stderr.write(`forewarm: ${pool}: ${explainError(err)}\n`),
  });
}

function only(view: PlanView, name: string | undefined, namespace: string | undefined): PlanView {
  if (name === undefined) return view;
  const isIt = (pool: string): boolean =>
    pool === name || (pool.endsWith(`/${name}`) && (namespace === undefined || pool === `${namespace}/${name}`));
  const pools = view.input.pools.filter(({ seen }) => isIt(seen.pool));
  const problems = new Map([...view.problems].filter(([pool]) => isIt(pool)));
  if (pools.length + problems.size === 0) {
    throw new ForewarmError(
      'USAGE',
      `no InferenceAutoscaler '${name}' was found${namespace === undefined ? '' : ` in namespace '${namespace}'`}`,
    );
  }
  const actions = view.output.actions.filter(({ pool }) => pool !== undefined && isIt(pool));
  return { ...view, input: { ...view.input, pools }, output: { ...view.output, actions }, problems };
}
