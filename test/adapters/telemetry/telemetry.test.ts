import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue, metricsPage } from '../../../src/adapters/telemetry/catalogue.ts';
import { PassMetrics } from '../../../src/adapters/telemetry/pass-metrics.ts';
import { MetricRegistry } from '../../../src/adapters/telemetry/registry.ts';
import { statusServer } from '../../../src/adapters/telemetry/server.ts';
import type { Decision } from '../../../src/core/model/decision.ts';
import { replicas } from '../../../src/core/model/units.ts';
import type { TickInput, TickOutput } from '../../../src/ports/index.ts';
import { at, epoch, fleetSeen, poolPolicy, poolSeen, replicaSeen, targetSeen } from '../../support/builders.ts';

const root = join(import.meta.dirname, '../../..');
const registry = (): MetricRegistry => new MetricRegistry({ roles: ['controller'], hasProcessMetrics: false });
/** Sample lines of one family, without the comments. */
async function lines(metrics: MetricRegistry, family: string): Promise<readonly string[]> {
  return (await metrics.render()).split('\n').filter((line) => line.startsWith(family));
}

describe('the catalogue', () => {
  test('docs/metrics.md is made from it', () => {
    expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8')).toBe(metricsPage());
  });
  test('names carry prefix, unit and kind, and stand once', () => {
    const names = catalogue.map((entry) => entry.name);
    expect(new Set(names).size).toBe(names.length);
    const wrong = catalogue.filter(
      ({ name, type }) => !/^forewarm_[a-z_]+$/.test(name) || (type === 'counter') !== name.endsWith('_total'),
    );
    expect(wrong).toStrictEqual([]);
  });
  test('histograms alone have buckets, in rising order', () => {
    for (const { type, buckets } of catalogue) {
      expect(buckets === undefined).toBe(type !== 'histogram');
      expect(buckets ?? []).toStrictEqual([...(buckets ?? [])].sort((a, b) => a - b));
    }
  });
  test('every metric that the code counts, sets, observes or forgets is in it', () => {
    const used = sources(join(root, 'src')).flatMap((text) =>
      [...text.matchAll(/\.(?:count|set|observe|forget)\(\s*'(forewarm_\w+)'/g)].map((match) => match[1] ?? ''),
    );
    expect(used.length).toBeGreaterThan(3);
    expect(used.filter((name) => !catalogue.some((entry) => entry.name === name))).toStrictEqual([]);
  });
});

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(folder, path), 'utf8'));
}

describe('the registry', () => {
  test('known label sets start at 0', async () => {
    expect(await lines(registry(), 'forewarm_scale_writes_total')).toStrictEqual([
      'forewarm_scale_writes_total{outcome="written"} 0',
      'forewarm_scale_writes_total{outcome="conflict"} 0',
      'forewarm_scale_writes_total{outcome="failed"} 0',
    ]);
  });
  test('counts, sets and observes', async () => {
    const metrics = registry();
    metrics.count('forewarm_scale_writes_total', { outcome: 'written' });
    metrics.count('forewarm_scale_writes_total', { outcome: 'written' }, 2);
    metrics.set('forewarm_leader', 1);
    metrics.observe('forewarm_tick_duration_seconds', 0.02);
    expect(await lines(metrics, 'forewarm_scale_writes_total{outcome="written"}')).toStrictEqual([
      'forewarm_scale_writes_total{outcome="written"} 3',
    ]);
    expect(await lines(metrics, 'forewarm_leader ')).toStrictEqual(['forewarm_leader 1']);
    expect(await lines(metrics, 'forewarm_tick_duration_seconds_count')).toStrictEqual([
      'forewarm_tick_duration_seconds_count 1',
    ]);
  });
  test('forgets the series that carry the labels, and only those', async () => {
    const metrics = registry();
    for (const target of ['a', 'b']) metrics.set('forewarm_desired_replicas', 1, { pool: 'x/y', target });
    metrics.set('forewarm_desired_replicas', 1, { pool: 'x/z', target: 'a' });
    metrics.forget('forewarm_desired_replicas', { pool: 'x/y' });
    expect(await lines(metrics, 'forewarm_desired')).toStrictEqual([
      'forewarm_desired_replicas{pool="x/z",target="a"} 1',
    ]);
  });
  test('a name outside the catalogue, or of another kind or role, is a bug that says so', () => {
    expect(() => registry().count('forewarm_unheard_of')).toThrow('must be a Counter in the catalogue');
    expect(() => registry().count('forewarm_leader')).toThrow('must be a Counter in the catalogue');
    expect(() => registry().count('forewarm_agent_downloads_total')).toThrow(RangeError);
    expect(() => registry().forget('forewarm_unheard_of', {})).toThrow(RangeError);
  });
  test('process metrics are there unless refused', async () => {
    const text = await new MetricRegistry({ roles: ['agent'] }).render();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag');
  });
});

describe('metrics of a pass', () => {
  const decision = (over: Partial<Decision> = {}): Decision => ({
    pool: 'team-a/chat',
    target: 'chat',
    at: epoch,
    replicas: replicas(3),
    because: [{ reason: 'DemandMet', message: 'demand is met' }],
    isHeld: false,
    isReactiveRaise: false,
    isRollingOut: false,
    ...over,
  });
  const output = (decisions: readonly Decision[]): TickOutput => ({
    memory: { pools: {}, assignments: {} },
    decisions,
    actions: [],
    reports: [],
  });
  const input = (...pools: TickInput['pools']): TickInput => ({ now: epoch, pools, fleet: fleetSeen() });
  const chat = { seen: poolSeen(), policy: poolPolicy() };

  test('a decision counts with its binding reason and shows its size', async () => {
    const metrics = registry();
    const passes = new PassMetrics(metrics, epoch);
    await passes.publish(output([decision()]), input(chat));
    await passes.publish(output([decision()]), input(chat));
    expect(await lines(metrics, 'forewarm_decisions')).toStrictEqual([
      'forewarm_decisions_total{pool="team-a/chat",reason="DemandMet"} 2',
    ]);
    expect(await lines(metrics, 'forewarm_desired')).toStrictEqual([
      'forewarm_desired_replicas{pool="team-a/chat",target="chat"} 3',
    ]);
    expect(await lines(metrics, 'forewarm_replicas')).toStrictEqual([
      'forewarm_replicas{pool="team-a/chat",target="chat",phase="Ready"} 1',
    ]);
  });
  test('what nobody follows has a name of its own', async () => {
    const metrics = registry();
    const passes = new PassMetrics(metrics, epoch);
    await passes.publish(output([decision()]), input(chat));
    await passes.publish(output([decision()]), input({ ...chat, policy: poolPolicy({ mode: 'Observe' }) }));
    expect(await lines(metrics, 'forewarm_desired')).toStrictEqual([]);
    expect(await lines(metrics, 'forewarm_would')).toStrictEqual([
      'forewarm_would_replicas{pool="team-a/chat",target="chat"} 3',
    ]);
  });
  test('a decision that says nothing has no number, not the last one', async () => {
    const metrics = registry();
    const passes = new PassMetrics(metrics, epoch);
    await passes.publish(output([decision()]), input(chat));
    const { replicas: _, ...silent } = decision({ because: [{ reason: 'TargetUnreadable', message: 'no /scale' }] });
    await passes.publish(output([silent]), input(chat));
    expect(await lines(metrics, 'forewarm_desired')).toStrictEqual([]);
  });
  test('series end with their object', async () => {
    const metrics = registry();
    const passes = new PassMetrics(metrics, epoch);
    await passes.publish(output([decision()]), input(chat));
    await passes.publish(output([]), input());
    const left = (await metrics.render()).split('\n').filter((line) => line.includes('team-a/chat'));
    expect(left).toStrictEqual([]);
  });
  test('lead times count once, by phase and warmth, and not those of an earlier process', async () => {
    const metrics = registry();
    const passes = new PassMetrics(metrics, at(0));
    const milestones = {
      orderedAt: at(0),
      createdAt: at(1),
      scheduledAt: at(3),
      imageAt: at(33),
      weightsAt: at(93),
      readyAt: at(120),
    };
    const fresh = replicaSeen('fresh', { milestones, startedWarm: false });
    const pool = poolSeen({ targets: [targetSeen({ replicas: [fresh, replicaSeen('old')] })] });
    await passes.publish(output([]), input({ ...chat, seen: pool }));
    await passes.publish(output([]), input({ ...chat, seen: pool }));
    expect(await lines(metrics, 'forewarm_lead_time_seconds_sum')).toStrictEqual([
      'forewarm_lead_time_seconds_sum{warmth="cold",phase="schedule"} 2',
      'forewarm_lead_time_seconds_sum{warmth="cold",phase="image"} 30',
      'forewarm_lead_time_seconds_sum{warmth="cold",phase="weights"} 60',
      'forewarm_lead_time_seconds_sum{warmth="cold",phase="engine"} 27',
      'forewarm_lead_time_seconds_sum{warmth="cold",phase="total"} 120',
    ]);
  });
});

describe('the status server', () => {
  test('answers metrics, health and readiness', async () => {
    let problem: string | undefined = 'no pass has ended yet';
    const app = statusServer({ metrics: registry(), ready: () => problem });
    const notReady = await app.inject('/readyz');
    expect([notReady.statusCode, notReady.body]).toStrictEqual([503, 'no pass has ended yet\n']);
    problem = undefined;
    expect((await app.inject('/readyz')).body).toBe('ok\n');
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/livez')).statusCode).toBe(200);
    const metrics = await app.inject('/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(metrics.body).toContain('# TYPE forewarm_leader gauge\nforewarm_leader 0\n');
    expect((await app.inject('/else')).statusCode).toBe(404);
    await app.close();
  });
});
