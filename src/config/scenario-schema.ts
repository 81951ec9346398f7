import type { Fault } from '../core/model/simulated-fault.ts';
import { closed, oneOf, whole, whollyClosed } from './schema-parts.ts';

const most = 1e9;
const amount = { type: 'number', minimum: 0, maximum: most } as const;
const positive = { type: 'number', exclusiveMinimum: 0, maximum: most } as const;
const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const boolean = { type: 'boolean' } as const;
const count = whole(1, 100_000);
const nodes = { type: 'array', minItems: 1, maxItems: 100_000, uniqueItems: true, items: count } as const;

const phase = whollyClosed({ medianSeconds: amount, spread: { type: 'number', minimum: 0, maximum: 3 } });

const lifecycle = closed(
  {
    phases: closed({ schedule: phase, image: phase, weights: phase, engine: phase }, []),
    contention: whollyClosed(
      {
        registryStreams: positive,
        originStreams: positive,
        nodeStreams: positive,
        peers: whollyClosed({ streams: positive, timeFactor: positive }),
      },
      ['peers'],
    ),
    nodePool: whollyClosed({ initialNodes: whole(0, 100_000), lead: phase, idleSeconds: amount }, ['idleSeconds']),
    sleeping: whollyClosed({ perNode: count, wake: phase }),
  },
  [],
);

/** What each kind of fault says besides its window; the second list may be absent. */
const kinds: Readonly<Record<Fault['kind'], readonly [Readonly<Record<string, object>>, readonly string[]]>> = {
  MetricBlackout: [{ share, includesGateway: boolean }, ['share', 'includesGateway']],
  StaleSeries: [{ persistSeconds: positive }, []],
  FrozenGauges: [{ share }, ['share']],
  Unschedulable: [{ nodes }, ['nodes']],
  NodeLoss: [{ nodes, noticeSeconds: amount, evictSeconds: amount }, ['noticeSeconds', 'evictSeconds']],
  SlowPulls: [{ imageFactor: positive, weightsFactor: positive }, ['imageFactor', 'weightsFactor']],
  EngineCrash: [{ share, times: whole(1, 100) }, ['share', 'times']],
  SkewedRouting: [{ share }, []],
};
export const faultKinds: readonly string[] = Object.keys(kinds);

const faults = {
  type: 'array',
  maxItems: 1000,
  items: {
    type: 'object',
    required: ['kind'],
    discriminator: { propertyName: 'kind' },
    oneOf: Object.entries(kinds).map(([kind, [fields, optional]]) =>
      whollyClosed({ kind: { const: kind }, fromSeconds: amount, toSeconds: positive, ...fields }, optional),
    ),
  },
} as const;

/** A scenario as a file writes it: every field of ScenarioSettings may be absent, and no other is known. */
export const scenarioSchema: object = closed(
  {
    coldStartSeconds: amount,
    startSpread: { type: 'number', minimum: 0, maximum: 3 },
    nodes: count,
    gpusPerNode: count,
    nodeDiskBytes: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    scrapeIntervalSeconds: { type: 'number', minimum: 1, maximum: 3600 },
    scrapeLagSeconds: amount,
    scrapeGapShare: share,
    gatewayHolds: oneOf('NoneReady', 'AllFull'),
    gatewayTimeoutSeconds: positive,
    gatewayQueueLimit: whole(0, 100_000_000),
    gracePeriodSeconds: amount,
    assignBringsImage: boolean,
    disaggregation: whollyClosed(
      { prefillReplicas: count, kvBytesPerToken: whole(1, 1e9), linkGbPerSecond: positive, linkMilliseconds: amount },
      ['linkMilliseconds'],
    ),
    lifecycle,
    faults,
  },
  [],
);
