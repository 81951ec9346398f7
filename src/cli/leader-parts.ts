import { Agent } from 'undici';
import { KubeActuators } from '../adapters/kube/actuators.ts';
import { Artifacts } from '../adapters/kube/artifacts.ts';
import { StatusBoard } from '../adapters/kube/board.ts';
import { EventRecorder } from '../adapters/kube/events.ts';
import type { LeaderElector } from '../adapters/kube/leader.ts';
import { MetricsOwner } from '../adapters/kube/metrics-owner.ts';
import { NodeCaches } from '../adapters/kube/node-caches.ts';
import type { Log } from '../adapters/log.ts';
import { Hub } from '../agent/sources/hub.ts';
import type { Action } from '../core/model/decision.ts';
import type { PoolId } from '../core/model/pool.ts';
import { freshMemory } from '../core/propose.ts';
import { explainError, isForewarmError } from '../errors.ts';
import type { ControllerMetrics } from '../loop/controller-metrics.ts';
import type { Nudge } from '../loop/nudge.ts';
import { Priming, type PrimingOutcome } from '../loop/priming.ts';
import { together } from '../loop/together.ts';
import { type PassesOptions, runPasses } from '../loop/passes.ts';
import type { Clock, Publisher, Recorder } from '../ports/index.ts';
import type { ClusterParts } from './cluster-parts.ts';
import type { ControllerFlags } from './controller.ts';
import { readToken } from './token-file.ts';

export interface LeaderOptions {
  readonly flags: ControllerFlags;
  readonly clock: Clock;
  readonly log: Log;
  readonly parts: ClusterParts;
  readonly lease: LeaderElector;
  readonly nudge: Nudge;
  readonly metrics: ControllerMetrics;
  /** Told of each pass, beside status and the loop's own metrics. */
  readonly publishers: readonly Publisher[];
  readonly recorder?: Recorder;
}

/** Everything that writes, composed: runs while this process leads. */
export function openLeader(options: LeaderOptions): {
  lead(signal: AbortSignal): Promise<void>;
  leave(signal: AbortSignal): Promise<void>;
} {
  const { parts, lease, clock, log, flags } = options;
  const { http, cluster } = parts;
  const assertFresh = (): void => lease.assertFresh();
  const failures = new Map<PoolId, string>();
  const events = new EventRecorder({
    http,
    clock,
    instance: flags.identity,
    onProblem: (err) => log.warn({ err }, 'Could not write an event'),
  });
  const owner = new MetricsOwner(http, clock, (err) => log.warn({ err }, 'Could not find who serves external metrics'));
  const board = openBoard(options, { failures, events, owner });
  const nodeCaches = new NodeCaches({ http, cluster, assertFresh });
  const actuators = new KubeActuators({
    http,
    cluster,
    nodeCaches,
    events,
    assertFresh,
    isSaved: (pool) => board.isSaved(pool),
  });
  const priming = openPriming(options);
  const passes = passesOf(options, { board, actuators, failures, priming });
  const keeping = { nodeCaches, artifacts: openArtifacts(options), clock, log };
  const parallel = [parts.readings, board, events, owner, priming];
  return {
    lead: async (signal) => {
      const beside = parallel.map((one) => async (ended: AbortSignal) => await one.run(ended));
      const both = [
        async (ended: AbortSignal) => await keepNodes(keeping, ended),
        async (ended: AbortSignal) => await runPasses(passes, ended),
      ];
      await together([...beside, ...both], signal);
    },
    leave: (signal) => board.drain(signal),
  };
}

interface Doers {
  readonly board: StatusBoard;
  readonly actuators: KubeActuators;
  readonly failures: Map<PoolId, string>;
  readonly priming: Priming;
}

function passesOf(
  { parts, clock, log, nudge, metrics, publishers, recorder }: LeaderOptions,
  { board, actuators, failures, priming }: Doers,
): PassesOptions {
  const { cluster, sensors, breathe } = parts;
  return {
    sensors,
    breathe,
    memory: board,
    actuators,
    publishers: [board, metrics, ...publishers],
    clock,
    nudge,
    priming,
    ...(recorder === undefined
      ? {
          onForgotten: (pool: PoolId) =>
            log.error({ pool }, 'Forgot what a pool had learnt, after it made deciding fail three times'),
        }
      : { recorder }),
    // A log replays only what each pass hands to the next: with one, memory is neither carried past a pass nor mended between two. A primed one it begins anew with.
    isKnown: (pool) => recorder === undefined && cluster.autoscalers.get(pool) !== undefined,
    onUntold: (err) => log.error({ err }, 'Could not tell of a pass'),
    onAction: (action, err) => {
      metrics.acted(action, err);
      toldOf(action, err, { failures, log });
    },
    onPass: ({ input, output }, milliseconds) => {
      metrics.passed(milliseconds);
      const { length: pools } = input.pools;
      log.debug({ pools, actions: output.actions.length, milliseconds: Math.round(milliseconds) }, 'Made a pass');
    },
    onFailure: (err) => {
      metrics.failed(err);
      log.error({ err }, 'Could not finish a pass');
    },
  };
}

function openPriming({ parts, clock, log, metrics, nudge }: LeaderOptions): Priming {
  const onEnd = (pool: PoolId, outcome: PrimingOutcome): void => {
    metrics.primed(outcome);
    const { bins, problem } = outcome;
    if (problem !== undefined) log.warn({ pool, minutes: bins, problem }, 'Could not read the past of a pool');
    else if (bins === 0) log.info({ pool }, 'Found no past of a pool');
    if (bins === 0) return;
    log.info({ pool, minutes: bins }, 'Primed the forecast of a pool');
    nudge.call();
  };
  return new Priming({ clock, breathe: parts.breathe, taskOf: parts.pastOf, onEnd });
}

interface Telling {
  readonly failures: ReadonlyMap<PoolId, string>;
  readonly events: EventRecorder;
  readonly owner: MetricsOwner;
}

function openBoard(
  { parts, lease, clock, log, flags }: LeaderOptions,
  { failures, events, owner }: Telling,
): StatusBoard {
  return new StatusBoard({
    http: parts.http,
    clock,
    random: Math.random,
    cluster: parts.cluster,
    ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
    assertFresh: () => lease.assertFresh(),
    problems: () => parts.sensors.problems,
    dangling: (autoscaler) => parts.decoder.dangling(autoscaler, parts.cluster),
    events,
    failureOf: (pool) => failures.get(pool),
    metricsOwner: () => owner.current(),
    readingProblem: (replicas) => parts.readings.problemOf(replicas),
    freshMemory,
    breathe: parts.breathe,
    onProblem: (pool, err) => log.warn({ err, pool }, 'Could not write the state of a pool'),
  });
}

function openArtifacts({ parts, lease, clock, log, flags }: LeaderOptions): Artifacts {
  return new Artifacts({
    http: parts.http,
    clock,
    cluster: parts.cluster,
    resolver: new Hub({
      endpoint: flags.hubEndpoint,
      dispatcher: new Agent(),
      token: async () => await readToken(flags.hubTokenFile),
    }),
    assertFresh: () => lease.assertFresh(),
    onProblem: (artifact, err) => log.warn({ err, artifact }, 'Could not resolve a model artifact'),
  });
}

interface Keeping {
  readonly nodeCaches: NodeCaches;
  readonly artifacts: Artifacts;
  readonly clock: Clock;
  readonly log: Log;
}

/** Node caches, labels and pinned artifacts follow what changed, beside the passes. */
async function keepNodes({ nodeCaches, artifacts, clock, log }: Keeping, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await Promise.all([nodeCaches.reconcile(signal), artifacts.reconcile(signal)]);
    } catch (err) {
      if (signal.aborted || isForewarmError(err, 'NOT_LEADER')) throw err;
      log.warn({ err }, 'Could not keep node caches');
      await clock.sleep(10_000, signal);
    }
    await clock.sleep(1000, signal);
  }
}

function toldOf(
  action: Action,
  err: unknown,
  { failures, log }: { readonly failures: Map<PoolId, string>; readonly log: Log },
): void {
  const { pool, kind } = action;
  if (err === undefined) {
    if (pool !== undefined) failures.delete(pool);
    log.info(action, 'Performed an action');
    return;
  }
  // The next pass looks again and decides anew: not worth a condition.
  if (isForewarmError(err, 'SCALE_CONFLICT')) log.info({ err, pool, kind }, 'Found a scale changed');
  else {
    if (pool !== undefined) failures.set(pool, explainError(err));
    log.warn({ err, pool, kind }, 'Could not perform an action');
  }
}
