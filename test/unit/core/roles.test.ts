import { describe, expect, test } from 'vitest';
import type { PoolSeen, ReplicaSeen } from '../../../src/core/model/pool.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { emptyMemory, tick, type TickOutput } from '../../../src/core/tick.ts';
import {
  at,
  fleetSeen,
  llama8bH100,
  missingSamples,
  poolPolicy,
  poolSeen,
  replicasSeen,
  type Readings,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';

const most = replicas(60);
const policy = poolPolicy({
  targets: [
    targetPolicy({ target: 'prefill', role: 'Prefill', profile: llama8bH100, maxReplicas: most }),
    targetPolicy({ target: 'decode', role: 'Decode', profile: llama8bH100, maxReplicas: most }),
  ],
});

interface Load {
  readonly rate: number;
  readonly prompt: number;
  readonly output: number;
  readonly prefill?: Readings;
  readonly decode?: Readings;
}

/** Requests that are computed by two prefill replicas, a token each, and answered by two that decode. */
function seen({ rate, prompt, output, prefill = {}, decode = {} }: Load, t: number): PoolSeen {
  const finished = ((t + 3600) * rate) / 2;
  const halves = (tokens: number, over: Readings): readonly ReplicaSeen[] =>
    replicasSeen(2, {
      samples: samples(
        {
          running: 2,
          kvUse: 0.1,
          finishedTotal: finished,
          promptTokensTotal: finished * prompt,
          outputTokensTotal: finished * tokens,
          ...over,
        },
        at(t),
      ),
    });
  return poolSeen({
    targets: [
      targetSeen({ target: 'decode', replicas: halves(output, decode).map((one) => ({ ...one, id: `d${one.id}` })) }),
      targetSeen({ target: 'prefill', replicas: halves(1, prefill) }),
    ],
  });
}

function last(load: Load, shown: (t: number) => PoolSeen = (t) => seen(load, t), as = policy): TickOutput {
  let output = tick(emptyMemory, { now: at(0), pools: [{ seen: shown(0), policy: as }], fleet: fleetSeen() });
  for (let t = 15; t <= 900; t += 15) {
    const memory = JSON.parse(JSON.stringify(output.memory));
    output = tick(memory, { now: at(t), pools: [{ seen: shown(t), policy: as }], fleet: fleetSeen() });
  }
  return output;
}
const wanted = ({ reports }: TickOutput): Readonly<Record<string, number | undefined>> =>
  Object.fromEntries((reports[0]?.targets ?? []).map(({ target, wanted: n }) => [target, n]));

describe('prefill and decode', () => {
  test('are sized by their own work: long prompts need the one, long answers the other', () => {
    const prompts = wanted(last({ rate: 12, prompt: 6000, output: 20 }));
    const answers = wanted(last({ rate: 12, prompt: 60, output: 4000 }));
    expect(prompts['prefill']).toBeGreaterThanOrEqual(3);
    expect(prompts['decode']).toBeLessThanOrEqual(2);
    expect(answers['prefill']).toBeLessThanOrEqual(2);
    expect(answers['decode']).toBeGreaterThanOrEqual(3);
  });
  test('come in the order in which they are seen, each with its reason', () => {
    const { decisions, reports } = last({ rate: 12, prompt: 6000, output: 20 });
    expect(decisions.map(({ target }) => target)).toStrictEqual(['decode', 'prefill']);
    expect(reports[0]?.targets.every(({ because }) => because.length > 0)).toBe(true);
    expect(Object.keys(reports[0]?.inputs ?? {})).toContain('decode running');
  });
  test('keep to the bounds of their ratio', () => {
    const bounded = { ...policy, prefillPerDecode: { min: 2 } };
    const load = { rate: 12, prompt: 60, output: 4000 };
    const { decode = 0, prefill } = wanted(last(load, (t) => seen(load, t), bounded));
    expect([decode > 2, prefill]).toStrictEqual([true, 2 * decode]);
  });
  test('a queue before prefill raises prefill alone', () => {
    const calm = wanted(last({ rate: 4, prompt: 6000, output: 50 }));
    const queue = { waiting: 4000, running: 200 };
    const queued = wanted(last({ rate: 4, prompt: 6000, output: 50, prefill: queue }));
    expect(queued['prefill']).toBeGreaterThan(calm['prefill'] ?? 0);
    expect(queued['decode']).toBe(calm['decode']);
  });
  test('what is missing of one half holds that half, and is said', () => {
    const load = { rate: 1, prompt: 100, output: 10 };
    const shown = (t: number): PoolSeen => {
      const whole = seen(load, t);
      const dark = (one: ReplicaSeen): ReplicaSeen => ({ ...one, samples: missingSamples() });
      return {
        ...whole,
        targets: whole.targets.map((one) =>
          one.target === 'decode' && t >= 600 ? { ...one, replicas: one.replicas.map(dark) } : one,
        ),
      };
    };
    const { decisions, reports } = last(load, shown);
    const isMissing = decisions.map(({ because }) => because.some(({ reason }) => reason.endsWith('SignalsMissing')));
    expect(decisions.map(({ target }, i) => [target, isMissing[i]])).toStrictEqual([
      ['decode', true],
      ['prefill', false],
    ]);
    expect(reports[0]?.conditions).toContainEqual(
      expect.objectContaining({ type: 'MetricsAvailable', status: 'False', reason: 'SignalsMissing' }),
    );
  });
  test('remember apart what they learned', () => {
    const learned = last({ rate: 12, prompt: 6000, output: 20 }).memory.pools['team-a/chat']?.learned;
    expect(learned?.mix.outputTokens).toBeLessThan(2);
    expect(learned?.decode?.mix.outputTokens).toBeGreaterThan(15);
    expect(learned?.decode?.mix.cachedShare).toBeGreaterThan(0.95);
  });
});
