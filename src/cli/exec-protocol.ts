import type {
  NodeSeen,
  PoolSeen,
  ReplicaHistograms,
  ReplicaSamples,
  ReplicaSeen,
  TargetSeen,
} from '../core/model/pool.ts';
import { ok, problem, type Result } from '../core/model/result.ts';
import type { Sample } from '../core/model/sample.ts';
import type { Instant } from '../core/model/units.ts';
import type { PolicyAnswer, PolicyView } from '../sim/policies/policy.ts';
import type { Scenario } from '../sim/scenario.ts';

/** The lines that Forewarm and an external policy exchange (docs/exec-policy.md). All times are seconds since the run began. */
export const execProtocol = 'forewarm.dev/exec-policy/v1';

/** What the policy says of itself. */
export interface ExecHello {
  readonly tickSeconds: number;
  readonly initialReplicas?: number;
  /** Ticks carry the engines' latency histograms. */
  readonly readsHistograms?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** What an autoscaler would be told in its object; nothing of the load to come. */
export function helloLine(scenario: Scenario): Json {
  const { objectives, minReplicas, maxReplicas, initialReplicas, profile, scrapeIntervalSeconds, seed } = scenario;
  return {
    type: 'hello',
    protocol: execProtocol,
    minReplicas,
    maxReplicas,
    initialReplicas,
    gpusPerReplica: profile.gpusPerReplica,
    objectives: { ttftSeconds: objectives.ttftMs / 1000, itlSeconds: objectives.itlMs / 1000 },
    scrapeIntervalSeconds,
    seed,
  };
}

export function tickLine(n: number, { now, seen, fleet }: PolicyView): Json {
  return {
    type: 'tick',
    n,
    now: now / 1000,
    ...seen.targets.map((target) => targetOf(target, now)).at(0),
    gateway: gatewayOf(seen, now),
    nodes: fleet.nodes.map(nodeOf),
  };
}

function targetOf({ specReplicas, statusReplicas, specChanges, replicas }: TargetSeen, now: Instant): Json {
  return {
    specReplicas: specReplicas ?? null,
    statusReplicas: statusReplicas ?? null,
    specChanges: specChanges.map(({ at, from, to }) => ({ at: at / 1000, from, to })),
    replicas: replicas.map((replica) => replicaOf(replica, now)),
  };
}

function replicaOf(
  { id, name, node, phase, since, startedWarm, samples, histograms }: ReplicaSeen,
  now: Instant,
): Json {
  return {
    id,
    name,
    node: node ?? null,
    phase,
    since: since / 1000,
    startedWarm: startedWarm ?? null,
    samples: samplesOf(samples, now),
    ...(histograms === undefined ? {} : { histograms: histogramsOf(histograms, now) }),
  };
}

function samplesOf(samples: ReplicaSamples, now: Instant): Json {
  return Object.fromEntries(Object.entries(samples).map(([name, sample]) => [name, sampleOf(sample, now)]));
}

function histogramsOf({ at, ...histograms }: ReplicaHistograms, now: Instant): Json {
  return { ...histograms, ageSeconds: (now - at) / 1000 };
}

function gatewayOf({ gateway }: PoolSeen, now: Instant): Json | null {
  if (gateway === undefined) return null;
  return { queued: sampleOf(gateway.queued, now), requestsTotal: sampleOf(gateway.requestsTotal, now) };
}

/** Absent, stale and zero stay three things: `value` is there only where a number was read. */
function sampleOf(sample: Sample, now: Instant): Json {
  if (sample.kind === 'missing') return { kind: 'missing', cause: sample.cause };
  return { kind: sample.kind, value: sample.value, ageSeconds: (now - sample.at) / 1000 };
}

function nodeOf({ node, isHealthy, gpus, freeGpus, cache }: NodeSeen): Json {
  return { name: node, isHealthy, gpus, freeGpus, hasWeights: Object.values(cache?.phases ?? {}).includes('Ready') };
}

export function parseHello(line: string): Result<ExecHello> {
  const read = objectOf(line, ['type', 'protocol', 'tickSeconds', 'initialReplicas', 'histograms']);
  if (!read.ok) return read;
  const { type, protocol, ...wishes } = read.value;
  if (type !== 'hello') return problem('type', type, '"hello"');
  if (protocol !== execProtocol) return problem('protocol', protocol, `"${execProtocol}"`);
  return parseWishes(wishes);
}

function parseWishes({ tickSeconds, initialReplicas, histograms = false }: Json): Result<ExecHello> {
  if (typeof tickSeconds !== 'number' || !(tickSeconds >= 1 && tickSeconds <= 86_400)) {
    return problem('tickSeconds', tickSeconds, 'a number from 1 to 86400');
  }
  if (typeof histograms !== 'boolean') return problem('histograms', histograms, 'true or false');
  const wishes = { tickSeconds, ...(histograms ? { readsHistograms: true } : {}) };
  if (initialReplicas === undefined || initialReplicas === null) return ok(wishes);
  if (!isSize(initialReplicas)) return problem('initialReplicas', initialReplicas, sizes);
  return ok({ ...wishes, initialReplicas });
}

/** The answer to tick `n`. */
export function parseDecision(line: string, n: number): Result<PolicyAnswer> {
  const read = objectOf(line, ['type', 'n', 'replicas', 'because']);
  if (!read.ok) return read;
  const { type = 'decision', n: answered = n, replicas, because } = read.value;
  if (type !== 'decision') return problem('type', type, '"decision"');
  if (answered !== n) return problem('n', answered, `${n}, the tick that was asked`);
  if (typeof because !== 'string') return problem('because', because, 'one line of text that says why');
  if (replicas === undefined || replicas === null) return ok({ actions: [], because });
  if (!isSize(replicas)) return problem('replicas', replicas, `${sizes}; null leaves the size as it is`);
  return ok({ actions: [], because, replicas });
}

const sizes = 'a whole number of at least 0';

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function objectOf(line: string, fields: readonly string[]): Result<Json> {
  const value = parsed(line);
  if (!isRecord(value)) return problem('(line)', shortened(line), 'one JSON object; notes for people go to stderr');
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  return unknown === undefined ? ok(value) : problem(unknown, 'present', `one of ${fields.join(', ')}`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function shortened(line: string): string {
  return line.length > 80 ? `${line.slice(0, 80)}...` : line;
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
