/** A metric as `docs/metrics.md` shows it. `starts`: label sets that exist from the start, at 0. */
export interface MetricEntry {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  readonly starts?: readonly Readonly<Record<string, string>>[];
  readonly of: 'controller' | 'metrics API' | 'agent';
}

const of = (role: MetricEntry['of'], entries: readonly Omit<MetricEntry, 'of'>[]): readonly MetricEntry[] =>
  entries.map((entry) => ({ ...entry, of: role }));

const each = (label: string, ...values: readonly string[]): readonly Readonly<Record<string, string>>[] =>
  values.map((value) => ({ [label]: value }));

const controller = of('controller', [
  {
    name: 'forewarm_decisions_total',
    type: 'counter',
    help: 'Decisions of all passes, by the rule that bound them (docs/reasons.md)',
    labels: ['pool', 'reason'],
  },
  {
    name: 'forewarm_desired_replicas',
    type: 'gauge',
    help: 'The decision: replicas that are written (mode Scale) or published (mode Recommend)',
    labels: ['pool', 'target'],
  },
  {
    name: 'forewarm_would_replicas',
    type: 'gauge',
    help: 'The decision in mode Observe, which nobody follows',
    labels: ['pool', 'target'],
  },
  {
    name: 'forewarm_replicas',
    type: 'gauge',
    help: 'Replicas as seen by the last pass, by phase',
    labels: ['pool', 'target', 'phase'],
  },
  {
    name: 'forewarm_tick_duration_seconds',
    type: 'histogram',
    help: 'One pass: look, decide, store, act, publish',
    labels: [],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  {
    name: 'forewarm_tick_failures_total',
    type: 'counter',
    help: 'Passes that ended with an error, by its code (docs/errors.md); attempts are the count of forewarm_tick_duration_seconds and these together',
    labels: ['code'],
  },
  {
    name: 'forewarm_last_successful_tick_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time of the end of the last pass without error; 0 before the first',
    labels: [],
    starts: [{}],
  },
  {
    name: 'forewarm_scrape_attempts_total',
    type: 'counter',
    help: 'Readings of replicas that were tried; engine is empty where none was recognised',
    labels: ['engine'],
  },
  {
    name: 'forewarm_scrape_failures_total',
    type: 'counter',
    help: 'Readings that gave nothing or only a part, by kind of failure',
    labels: ['engine', 'code'],
  },
  {
    name: 'forewarm_scale_writes_total',
    type: 'counter',
    help: 'Writes of a scale subresource',
    labels: ['outcome'],
    starts: each('outcome', 'written', 'conflict', 'failed'),
  },
  {
    name: 'forewarm_action_failures_total',
    type: 'counter',
    help: 'Actions other than scale writes that failed, by kind and code',
    labels: ['action', 'code'],
  },
  {
    name: 'forewarm_primings_total',
    type: 'counter',
    help: 'Pasts of pools that were asked for in Prometheus: learned from wholly or in part, not there, not read',
    labels: ['outcome'],
    starts: each('outcome', 'primed', 'empty', 'failed'),
  },
  { name: 'forewarm_leader', type: 'gauge', help: '1 while this process holds the lease', labels: [], starts: [{}] },
  {
    name: 'forewarm_leader_transitions_total',
    type: 'counter',
    help: 'Times this process began or ceased to lead',
    labels: [],
    starts: [{}],
  },
  {
    name: 'forewarm_lead_time_seconds',
    type: 'histogram',
    help: "From order to Ready, whole and by phase, by what the replica's node held when it was bound",
    labels: ['warmth', 'phase'],
    buckets: [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800, 3600],
  },
  {
    name: 'forewarm_not_followed',
    type: 'gauge',
    help: '1 while mode is Recommend and no HorizontalPodAutoscaler acts on the published decision',
    labels: ['pool', 'target'],
  },
]);

const metricsApi = of('metrics API', [
  {
    name: 'forewarm_metrics_api_requests_total',
    type: 'counter',
    help: 'Requests to external.metrics.k8s.io, by kind of path and HTTP status',
    labels: ['route', 'code'],
  },
  {
    name: 'forewarm_metrics_api_request_duration_seconds',
    type: 'histogram',
    help: 'From the head of a request to the end of its answer',
    labels: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  {
    name: 'forewarm_metrics_api_forwards_total',
    type: 'counter',
    help: 'Requests that another process leads for, by outcome',
    labels: ['outcome'],
    starts: each('outcome', 'answered', 'failed'),
  },
  {
    name: 'forewarm_serving_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the certificate that is served now ends',
    labels: [],
  },
]);

const agent = of('agent', [
  {
    name: 'forewarm_agent_downloads_total',
    type: 'counter',
    help: 'Files fetched, by outcome',
    labels: ['outcome'],
    starts: each('outcome', 'published', 'failed'),
  },
  {
    name: 'forewarm_agent_download_failures_total',
    type: 'counter',
    help: 'Fetches that failed, by code (docs/errors.md)',
    labels: ['code'],
  },
  {
    name: 'forewarm_agent_downloaded_bytes_total',
    type: 'counter',
    help: 'Bytes received from a source, also those that were thrown away',
    labels: [],
    starts: [{}],
  },
  { name: 'forewarm_agent_cache_used_bytes', type: 'gauge', help: 'Bytes that the cache holds', labels: [] },
  { name: 'forewarm_agent_cache_budget_bytes', type: 'gauge', help: 'Bytes that the cache may hold', labels: [] },
  {
    name: 'forewarm_agent_artifacts',
    type: 'gauge',
    help: 'Assigned artifacts, by phase',
    labels: ['phase'],
    starts: each('phase', 'Assigned', 'Downloading', 'Ready', 'Failed'),
  },
]);

/** Every metric of every role. `docs/metrics.md` is made from it and compared by a test. */
export const catalogue: readonly MetricEntry[] = [...controller, ...metricsApi, ...agent];

/** The page docs/metrics.md. */
export function metricsPage(entries: readonly MetricEntry[] = catalogue): string {
  const roles = [...new Set(entries.map((entry) => entry.of))];
  return `# Metrics

Made from \`src/adapters/telemetry/catalogue.ts\` by \`node src/adapters/telemetry/page.ts\`; a test compares. Beside these each process exports Node's own \`process_*\`
and \`nodejs_*\` families. \`pool\` is \`namespace/name\` of the InferenceAutoscaler. A series ends with its object.

${roles.map((role) => section(role, entries)).join('\n')}`;
}

function section(role: MetricEntry['of'], entries: readonly MetricEntry[]): string {
  const rows = entries.filter((entry) => entry.of === role).map(row);
  return `## ${role}\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function row({ name, type, labels, help, buckets }: MetricEntry): string {
  const bounds = buckets === undefined ? '' : ` (buckets ${buckets.join(', ')})`;
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help}${bounds} |`;
}
