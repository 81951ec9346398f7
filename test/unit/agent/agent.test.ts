import { describe, expect, test } from 'vitest';
import { runAgent } from '../../../src/agent/agent.ts';
import { Keeper } from '../../../src/agent/keeper.ts';
import { parseNodeCacheSpec } from '../../../src/agent/spec.ts';
import { ForewarmError } from '../../../src/errors.ts';
import type {
  AssignedArtifact,
  CachedArtifactStatus,
  NodeCacheSpec,
  NodeCacheStatus,
} from '../../../src/ports/artifacts.ts';
import { HurriedClock, hubClient, openBench, openHub } from '../../support/agent.ts';
import { contentsOf, filesOf, snapshotFolder } from '../../support/cache-folder.ts';
import { tinyModel } from '../../support/hub.ts';

const tiny = tinyModel();

describe('reports', () => {
  test('one status at the start, and none while nothing changes for ten minutes', async () => {
    const seen = await follow({ looks: 600, at: () => status({ phase: 'Ready' }) });
    expect(seen.reports).toHaveLength(1);
  });

  test('an artifact that is added in at most three writes', async () => {
    const seen = await follow({
      looks: 60,
      at: (look) => status(look < 2 ? { phase: 'Assigned' } : look < 5 ? { phase: 'Downloading' } : { phase: 'Ready' }),
    });
    expect(seen.reports.map(({ artifacts }) => artifacts[0]?.phase)).toStrictEqual([
      'Assigned',
      'Downloading',
      'Ready',
    ]);
  });

  test('progress every five seconds and no more often', async () => {
    const seen = await follow({ looks: 61, at: (look) => status({ phase: 'Downloading', bytesDone: look }) });
    expect(seen.reports.map(({ artifacts }) => artifacts[0]?.bytesDone)).toStrictEqual(
      Array.from({ length: 13 }, (_, index) => index * 5),
    );
  });

  test('a message at the next look, whatever the time', async () => {
    const seen = await follow({
      looks: 4,
      at: (look) =>
        status(look < 2 ? { phase: 'Downloading' } : { phase: 'Failed', message: 'DiskFull: needs 5.0 GiB' }),
    });
    expect(seen.reports).toHaveLength(2);
  });

  test('a status that could not be written again at the next look', async () => {
    const seen = await follow({ looks: 5, failures: 3, at: () => status({ phase: 'Ready' }) });
    expect(seen).toMatchObject({ tries: 4, reports: [{}], failed: 3 });
  });
});

describe('an assignment', () => {
  test('that goes away with its object changes nothing', async () => {
    const seen = await follow({
      looks: 5,
      specs: [spec([artifact()]), undefined],
      at: () => status({ phase: 'Ready' }),
    });
    expect(seen.assigned).toStrictEqual([[artifact()]]);
  });

  test('is followed version by version', async () => {
    const seen = await follow({
      looks: 5,
      specs: [spec([artifact()]), spec([])],
      at: () => status({ phase: 'Ready' }),
    });
    expect(seen.assigned).toStrictEqual([[artifact()], []]);
  });

  test('whose watch ends in an error ends the agent with it', async () => {
    const watch = async function* (): AsyncGenerator<NodeCacheSpec> {
      yield spec([]);
      throw new ForewarmError('CONFIG_INVALID', 'reading the spec');
    };
    await expect(follow({ looks: 50, watch, at: () => status({ phase: 'Ready' }) })).rejects.toThrow(
      'reading the spec',
    );
  });

  const refused = {
    'of another scheme': {
      given: { source: 's3://bucket/model' },
      want: /^ConfigInvalid: `source` must be 'hf:\/\/org\/name'/,
    },
    'of a short commit': {
      given: { commit: 'abc1234' },
      want: "ConfigInvalid: `commit` must be 40 hex digits, was 'abc1234'",
    },
    'that climbs out of the cache': { given: { source: 'hf://../etc' }, want: /^ConfigInvalid: `source`/ },
  };
  for (const [name, { given, want }] of Object.entries(refused)) {
    test(`${name} is Failed with its reason, and disturbs no other`, async () => {
      const keeper = new Keeper((await openBench(hubClient('http://127.0.0.1:9'))).deps);
      await keeper.assign([artifact(given)]);
      const [seen] = (await keeper.status()).artifacts;
      await keeper.stop();
      expect(seen).toMatchObject({ phase: 'Failed', bytesTotal: 0 });
      expect(seen?.message).toMatch(want);
    });
  }

  test('of two artifacts of one commit is one download, and each is told about', async () => {
    const hub = await openHub({ repositories: [tiny] });
    const keeper = new Keeper((await openBench(hubClient(hub.endpoint))).deps);
    await keeper.assign([artifact({ files: ['*.json'] }), artifact({ hash: 'bbbbbbbbbbbb', files: ['tokenizer/'] })]);
    const done = await settled(keeper);
    await keeper.stop();
    expect(done.artifacts.map(({ hash, phase, bytesDone }) => ({ hash, phase, bytesDone }))).toStrictEqual([
      { hash: 'aaaaaaaaaaaa', phase: 'Ready', bytesDone: 27 },
      { hash: 'bbbbbbbbbbbb', phase: 'Ready', bytesDone: 27 },
    ]);
    expect(hub.contents()).toHaveLength(2);
  });
});

test('an artifact for which there was no room is fetched as soon as another is unassigned, which then goes', async () => {
  const other = tinyModel('acme/other');
  const hub = await openHub({ repositories: [tiny, other] });
  const bench = await openBench(hubClient(hub.endpoint), { budgetBytes: 700_000 });
  const keeper = new Keeper(bench.deps);
  const [first, second] = [
    artifact(),
    artifact({ hash: 'bbbbbbbbbbbb', source: 'hf://acme/other', commit: other.commit }),
  ];
  await keeper.assign([first]);
  await settled(keeper);
  await keeper.assign([first, second]);
  expect((await settled(keeper)).artifacts.map(({ phase }) => phase)).toStrictEqual(['Ready', 'Failed']);
  await keeper.assign([second]);
  await until(async () => (await keeper.status()).artifacts[0]?.phase === 'Ready');
  await keeper.stop();
  expect(await contentsOf(snapshotFolder(bench.root, tiny))).toBeUndefined();
  expect(await contentsOf(snapshotFolder(bench.root, other))).toStrictEqual(filesOf(other));
});

test('an artifact that a replica waits for comes before one that nobody waits for, which then goes on where it was', async () => {
  const [big, awaited] = [tinyModel('acme/big', 3_000_000), tinyModel('acme/awaited', 50_000)];
  const hub = await openHub({ repositories: [big, awaited], bytesPerSecond: 1_000_000 });
  const keeper = new Keeper((await openBench(hubClient(hub.endpoint))).deps);
  const idle = artifact({ source: 'hf://acme/big', commit: big.commit });
  const hasBegun = async (): Promise<boolean> => ((await keeper.status()).artifacts[0]?.bytesDone ?? 0) > 100_000;
  await keeper.assign([idle]);
  await until(hasBegun);
  const urgent = artifact({
    hash: 'bbbbbbbbbbbb',
    source: 'hf://acme/awaited',
    commit: awaited.commit,
    isAwaited: true,
  });
  await keeper.assign([idle, urgent]);
  await until(async () => (await keeper.status()).artifacts[1]?.phase === 'Ready');
  expect((await keeper.status()).artifacts[0]?.phase).toBe('Downloading');
  const resumed = (): boolean =>
    hub.contents().some(({ range }) => range !== undefined && !range.startsWith('bytes=0-'));
  await until(() => Promise.resolve(resumed()));
  await keeper.stop();
});

describe('the spec of a NodeCache', () => {
  test('says what a replica waits for', () => {
    const read = parseNodeCacheSpec({ node: 'n', artifacts: [{ ...artifact(), isAwaited: true }] });
    expect(read).toStrictEqual({ ok: true, value: spec([artifact({ isAwaited: true })], 'n') });
  });

  test('may have fields that this agent does not know', () => {
    const read = parseNodeCacheSpec({ node: 'n', tier: 9, artifacts: [{ ...artifact(), deadline: 'soon' }] });
    expect(read).toStrictEqual({ ok: true, value: spec([artifact()], 'n') });
  });

  const bad = {
    'without a node': { given: { artifacts: [] }, want: 'spec.node' },
    'whose artifacts are no list': { given: { node: 'n', artifacts: {} }, want: 'spec.artifacts' },
    'with an artifact without a commit': {
      given: { node: 'n', artifacts: [{ ...artifact(), commit: '' }] },
      want: 'spec.artifacts[0].commit',
    },
    'with patterns that are no texts': {
      given: { node: 'n', artifacts: [{ ...artifact(), files: [1] }] },
      want: 'spec.artifacts[0].files',
    },
  };
  for (const [name, { given, want }] of Object.entries(bad)) {
    test(`is refused ${name}`, () =>
      expect(parseNodeCacheSpec(given)).toMatchObject({ ok: false, problem: { field: want } }));
  }
});

interface Followed {
  readonly reports: readonly NodeCacheStatus[];
  readonly tries: number;
  readonly failed: number;
  readonly assigned: readonly (readonly AssignedArtifact[])[];
}

interface Script {
  readonly looks: number;
  readonly at: (look: number) => NodeCacheStatus;
  readonly failures?: number;
  readonly specs?: readonly (NodeCacheSpec | undefined)[];
  readonly watch?: (signal: AbortSignal) => AsyncIterable<NodeCacheSpec | undefined>;
}

/** Runs the agent over a scripted cache for so many looks. */
async function follow(script: Script): Promise<Followed> {
  const stop = new AbortController();
  const [reports, assigned]: [NodeCacheStatus[], (readonly AssignedArtifact[])[]] = [[], []];
  let [looks, tries, failed] = [0, 0, 0];
  await runAgent(
    {
      clock: new HurriedClock(),
      client: {
        watch: script.watch ?? (() => versions(script.specs ?? [spec([artifact()])])),
        report: (written) => {
          tries += 1;
          if (tries <= (script.failures ?? 0)) throw new ForewarmError('KUBE_REQUEST_FAILED', 'writing');
          reports.push(written);
          return Promise.resolve();
        },
      },
      keeper: {
        assign: async (artifacts) => void (await Promise.resolve(assigned.push(artifacts))),
        stop: () => Promise.resolve(),
        status: () => {
          if (looks + 1 === script.looks) stop.abort(new Error('seen enough'));
          return Promise.resolve(script.at(looks++));
        },
      },
      onStatus: () => undefined,
      onReportFailed: () => {
        failed += 1;
      },
    },
    { isOnce: false },
    stop.signal,
  );
  return { reports, tries, failed, assigned };
}

async function* versions(specs: readonly (NodeCacheSpec | undefined)[]): AsyncGenerator<NodeCacheSpec | undefined> {
  for (const version of specs) yield await Promise.resolve(version);
}

async function settled(keeper: Keeper): Promise<NodeCacheStatus> {
  for (;;) {
    const seen = await keeper.status();
    if (seen.artifacts.every(({ phase }) => phase === 'Ready' || phase === 'Failed')) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

function artifact(given: Partial<AssignedArtifact> = {}): AssignedArtifact {
  return {
    hash: 'aaaaaaaaaaaa',
    name: 'team-a/tiny',
    source: 'hf://acme/tiny',
    commit: tiny.commit,
    files: [],
    ...given,
  };
}

function spec(artifacts: readonly AssignedArtifact[], node = 'node-1'): NodeCacheSpec {
  return { node, artifacts };
}

function status(given: Partial<CachedArtifactStatus>): NodeCacheStatus {
  const { hash, name, commit } = artifact();
  const one = {
    hash,
    name,
    commit,
    phase: 'Ready',
    bytesTotal: 100,
    bytesDone: 0,
    bytesPerSecond: 0,
    ...given,
  } as const;
  return { budgetBytes: 1000, usedBytes: one.bytesDone, artifacts: [one] };
}
