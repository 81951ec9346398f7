import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseScenario, readScenario } from '../../../src/config/scenario-file.ts';
import { describe as inWords } from '../../../src/core/model/result.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const full = `
coldStartSeconds: 180
startSpread: 0.2
nodes: 4
gpusPerNode: 2
nodeDiskBytes: 500000000000
scrapeIntervalSeconds: 15
scrapeLagSeconds: 2
scrapeGapShare: 0.05
gatewayHolds: AllFull
gatewayTimeoutSeconds: 30
gatewayQueueLimit: 1000
gracePeriodSeconds: 30
assignBringsImage: true
disaggregation: { prefillReplicas: 2, kvBytesPerToken: 327680, linkGbPerSecond: 25, linkMilliseconds: 1 }
lifecycle:
  phases:
    image: { medianSeconds: 54, spread: 0.3 }
  contention:
    registryStreams: 4
    originStreams: 2.5
    nodeStreams: 1
    peers: { streams: 1, timeFactor: 0.5 }
  nodePool:
    initialNodes: 1
    lead: { medianSeconds: 284, spread: 0.2 }
    idleSeconds: 600
  sleeping:
    perNode: 1
    wake: { medianSeconds: 3, spread: 0.3 }
faults:
  - { kind: MetricBlackout, fromSeconds: 60, toSeconds: 120, share: 0.5, includesGateway: true }
  - { kind: StaleSeries, fromSeconds: 0, toSeconds: 600, persistSeconds: 300 }
  - { kind: FrozenGauges, fromSeconds: 0, toSeconds: 10 }
  - { kind: Unschedulable, fromSeconds: 100, toSeconds: 200, nodes: [1, 2] }
  - { kind: NodeLoss, fromSeconds: 300, toSeconds: 900, nodes: [1], noticeSeconds: 50, evictSeconds: 300 }
  - { kind: SlowPulls, fromSeconds: 0, toSeconds: 900, imageFactor: 3, weightsFactor: 2 }
  - { kind: EngineCrash, fromSeconds: 400, toSeconds: 500, share: 0.2, times: 3 }
  - { kind: SkewedRouting, fromSeconds: 0, toSeconds: 900, share: 0.3 }
`;

/** The file's settings, or what is wrong with it. */
function read(text: string): unknown {
  const parsed = parseScenario(text);
  return parsed.ok ? parsed.value : inWords(parsed.problem);
}

describe('a scenario file', () => {
  it('may say all there is, and the simulator takes it as it stands', () => {
    const parsed = parseScenario(full);
    if (!parsed.ok) throw new TypeError(inWords(parsed.problem));
    expect(parsed.value.faults).toHaveLength(8);
    expect(parsed.value.lifecycle?.contention?.originStreams).toBe(2.5);
    const policy = new Script({ 30: 4 }, { initial: 2 });
    const workload = poisson({ rate: 6, seconds: 900 });
    const result = runSimulation({ ...parsed.value, workload, profile: profileWith() }, policy);
    expect(result.completed + result.shed + result.lost).toBe(result.arrivals);
    expect(result.lost).toBeGreaterThan(0);
    expect(policy.views[0]?.seen.scrapeIntervalSeconds).toBe(15);
    expect(policy.views[0]?.fleet.nodes).toHaveLength(1);
  });

  it('may leave out everything', () => expect(read('{}')).toStrictEqual({}));

  const refused: Readonly<Record<string, { readonly text: string; readonly says: string }>> = {
    'a field that it does not know': {
      text: 'seeds: 3',
      says: '`seeds` must be one of coldStartSeconds, startSpread,',
    },
    'a field that the fault does not have': {
      text: 'faults: [{ kind: SkewedRouting, fromSeconds: 0, toSeconds: 9, share: 1, nodes: [1] }]',
      says: '`faults.0.nodes` must be one of kind, fromSeconds, toSeconds, share, was present',
    },
    'a fault that it does not know': {
      text: 'faults: [{ kind: Earthquake, fromSeconds: 0, toSeconds: 9 }]',
      says: '`faults.0.kind` must be one of MetricBlackout, StaleSeries,',
    },
    'a fault without a kind': { text: 'faults: [{ fromSeconds: 0, toSeconds: 9 }]', says: '`faults.0.kind` must be' },
    'a fault without an end': {
      text: 'faults: [{ kind: FrozenGauges, fromSeconds: 0 }]',
      says: '`faults.0.toSeconds` must be present, was absent',
    },
    'a window that ends before it begins': {
      text: 'faults: [{ kind: FrozenGauges, fromSeconds: 9, toSeconds: 3 }]',
      says: '`faults.0.toSeconds` must be above `fromSeconds` (9), was 3',
    },
    'a share above one': { text: 'scrapeGapShare: 1.5', says: '`scrapeGapShare` must be <= 1, was 1.5' },
    'a link without a stream': {
      text: 'lifecycle: { contention: { registryStreams: 0, originStreams: 1, nodeStreams: 1 } }',
      says: '`lifecycle.contention.registryStreams` must be > 0, was 0',
    },
    'half a phase': {
      text: 'lifecycle: { phases: { engine: { medianSeconds: 40 } } }',
      says: '`lifecycle.phases.engine.spread` must be present, was absent',
    },
    'a word that is no choice': {
      text: 'gatewayHolds: Never',
      says: '`gatewayHolds` must be one of NoneReady, AllFull, was "Never"',
    },
    'a number in quotes': { text: "coldStartSeconds: '110'", says: '`coldStartSeconds` must be number, was "110"' },
    'a file that is no YAML': { text: 'a: [', says: '`(file)` must be one YAML document' },
    'an empty file': { text: '', says: '`(file)` must be one YAML document' },
  };
  for (const [name, { text, says }] of Object.entries(refused)) {
    it(`refuses ${name}`, () => expect(read(text)).toContain(says));
  }

  it('is named in the message when it is wrong or not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'scenario-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'bad.yaml');
    await expect(readScenario(path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeFile(path, 'nodes: 0');
    await expect(readScenario(path)).rejects.toThrow(`reading scenario ${path}: \`nodes\` must be >= 1, was 0`);
    await writeFile(path, 'nodes: 3');
    await expect(readScenario(path)).resolves.toStrictEqual({ nodes: 3 });
  });
});
