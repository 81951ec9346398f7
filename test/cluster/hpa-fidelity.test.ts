import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Behavior, defaultBehavior, type ScalingRules } from '../../src/core/model/policy.ts';
import { times } from '../support/peer-policies.ts';
import { external, objects, pods, type SyncMetric, syncs } from '../support/peer-tables/hpa.ts';
import { legacies, rates } from '../support/peer-tables/hpa-rates.ts';
import { clusterDir, connect, makeNamespace } from './support/bed.ts';
import { type Answer, PosedHpas, type PosedMetric, type PosedPod, type Question } from './support/posed-hpa.ts';
import { PosedMetrics } from './support/posed-metrics.ts';
import { record } from './support/results.ts';

/**
 * The rows that our reproduction of the HPA is held to, asked of the real controller: each an HPA of its own, all at once. What it writes first is its answer.
 * The rows stand once, in test/support/peer-tables: our own answers are checked against them by the unit tests and by `npm run bench -- peer-fidelity`.
 */
const api = connect();
const namespace = 'hpa-fidelity';
/** The controller manager of this phase looks each second and holds a lowering without `behavior` for five. */
const settleSeconds = { usual: 3, plain: 9 };
const most = 2_147_483_647;

interface Row {
  readonly question: Question;
  /** The size written, or the reason why none was. */
  readonly want: number | string;
}

/** One look is all that is asked: nothing of the windows and rates may stand between the metric and the size. */
function eager(spec: number): Behavior {
  const rules: ScalingRules = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: most - Math.max(1, spec), periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  };
  return { scaleUp: rules, scaleDown: rules };
}

function readyOf(ready: number, all: number): readonly PosedPod[] {
  return [...times<PosedPod>(ready, 'Ready'), ...times<PosedPod>(Math.max(0, all - ready), 'Running')];
}

const one = (metric: PosedMetric, spec: number): Omit<Question, 'status' | 'pods'> => ({
  spec,
  min: spec === 0 ? 0 : 1,
  max: most,
  metrics: [metric],
  behavior: eager(spec),
  ...(spec === 0 ? { isZeroed: true } : {}),
});

const externalRows = mapped(
  external,
  ({ type, usage, target, spec, ready = spec, status = spec, tolerance, want }) => ({
    question: {
      ...one(
        { type: `External${type}`, targetMilli: BigInt(target), posed: { kind: 'Number', milli: BigInt(usage) } },
        spec,
      ),
      status,
      pods: spec === 0 ? ['Ready'] : readyOf(ready, spec),
      ...(tolerance === undefined ? {} : { tolerance }),
    },
    want,
  }),
);

const objectRows = mapped(objects, ({ type, usage, target, spec, ready = spec, up, want }) => ({
  question: {
    ...one(
      { type: `Object${type}`, targetMilli: BigInt(target), posed: { kind: 'Number', milli: BigInt(usage) } },
      spec,
    ),
    status: spec,
    pods: spec === 0 ? ['Ready'] : readyOf(ready, spec),
    ...(up === undefined ? {} : { tolerance: { up, down: 0.1 } }),
  },
  want,
}));

const podStates = { Running: 'Running', Pending: 'Pending', Ignored: 'Failed' } as const;
const podsRows = mapped(pods, ({ pods: all, target, spec, up, want }) => ({
  question: {
    ...one({ type: 'Pods', targetMilli: BigInt(target), posed: samplesOf(all) }, spec),
    status: spec,
    pods: all.map(({ state }) => podStates[state]),
    ...(up === undefined ? {} : { tolerance: { up, down: 0.1 } }),
  },
  want: want ?? 'FailedGetPodsMetric',
}));

function samplesOf(all: readonly { readonly milli?: bigint }[]): PosedMetric['posed'] {
  return {
    kind: 'Pods',
    milli: Object.fromEntries(all.flatMap(({ milli }, i) => (milli === undefined ? [] : [[i, milli]]))),
  };
}

/** A metric of so many replicas, exactly. */
const wanting = (replicas: number): PosedMetric => ({
  type: 'ExternalAverageValue',
  targetMilli: 1000n,
  posed: { kind: 'Number', milli: 1000n * BigInt(replicas) },
});

const rateRows = mapped(
  Object.fromEntries(Object.entries(rates).filter(([, { changes }]) => changes === undefined)),
  ({ behavior, from, to, min = 0, max = 10_000, want }) => ({
    question: {
      spec: from,
      status: from,
      pods: [],
      min,
      max,
      metrics: [wanting(to)],
      behavior: { scaleUp: behavior.scaleUp, scaleDown: { ...behavior.scaleDown, stabilizationWindowSeconds: 0 } },
    },
    want: want.replicas,
  }),
);

const legacyRows = mapped(legacies, ({ given: [from, to, min, max], want }) => ({
  question: { spec: from, status: from, pods: [], min, max, metrics: [wanting(to)] },
  want: want.replicas,
}));

const syncRows = mapped(
  Object.fromEntries(Object.entries(syncs).filter(([, row]) => row.syncs.length === 1)),
  ({ setting, syncs: [sync], want }) => {
    const [, spec, ...given] = sync ?? [0, 0];
    return {
      question: {
        spec,
        status: spec,
        pods: readyOf(spec, spec),
        min: setting?.minReplicas ?? 1,
        max: setting?.maxReplicas ?? 100,
        metrics: given.map(posedOf),
        behavior: setting?.behavior ?? defaultBehavior,
      },
      want,
    };
  },
);

function posedOf(metric: SyncMetric): PosedMetric {
  if (metric.type === 'Pods') return { type: 'Pods', targetMilli: metric.targetMilli, posed: samplesOf(metric.pods) };
  const { type, targetMilli, usageMilli } = metric;
  const posed =
    usageMilli === undefined ? ({ kind: 'Error' } as const) : ({ kind: 'Number', milli: usageMilli } as const);
  return { type: `External${type}`, targetMilli, posed };
}

function mapped<T>(rows: Readonly<Record<string, T>>, of: (row: T) => Row): Readonly<Record<string, Row>> {
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, of(row)]));
}

const tables = {
  'one external metric': externalRows,
  'an Object metric': objectRows,
  'a Pods metric': podsRows,
  'rate policies': rateRows,
  'no behavior': legacyRows,
  'one look': syncRows,
} as const;

const all = Object.entries(tables).flatMap(([table, rows], t) =>
  Object.entries(rows).map(([name, row], i) => ({ id: `q${t}-${i}`, title: `${table}: ${name}`, ...row })),
);

let metrics: PosedMetrics;
let hpas: PosedHpas;
const answers = new Map<string, Answer>();

beforeAll(async () => {
  await makeNamespace(api, namespace);
  metrics = new PosedMetrics(clusterDir());
  await metrics.listen();
  hpas = await PosedHpas.begin(api, namespace, metrics);
  await Promise.all(all.map(async ({ id, question }) => hpas.prepare(id, question)));
  await Promise.all(all.map(async ({ id, question }) => hpas.ask(id, question)));
  await Promise.all(
    all.map(async ({ id, question }) => {
      const seconds = question.behavior === undefined ? settleSeconds.plain : settleSeconds.usual;
      answers.set(id, await hpas.answer(id, question, seconds));
    }),
  );
}, 180_000);

afterAll(async () => {
  const agreed = all.filter(({ id, want }) => said(answers.get(id), want) === want).length;
  record({ loop: 'HPA rows on the real controller', note: `${agreed} of ${all.length} as the tables say` });
  await hpas?.end();
  await metrics?.stop();
  await api.close();
});

/** The size, or the wanted reason where it is among those given. */
function said(answer: Answer | undefined, want: number | string): number | string | undefined {
  return typeof want === 'number' ? answer?.replicas : answer?.reasons.find((reason) => reason === want);
}

describe('the real controller answers as the tables say', () => {
  for (const { id, title, want } of all) {
    test(`${title}`, () => expect(said(answers.get(id), want)).toBe(want));
  }
});

test('the controller did move what was to be moved', () => {
  const moved = all.filter(({ id, question }) => answers.get(id)?.replicas !== question.spec);
  expect(moved.length).toBeGreaterThan(all.length / 2);
});
