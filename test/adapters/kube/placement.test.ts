import { expect, test } from 'vitest';
import { mayLand, placementOf, type PlacementNode } from '../../../src/adapters/kube/placement.ts';
import { parseMilli, wholeUnits } from '../../../src/core/model/quantity.ts';
import { parseSelector, selectorOf, selects } from '../../../src/adapters/kube/selector.ts';
import type { KubeJson } from '../../support/kube-server.ts';

const node: PlacementNode = { name: 'gpu-1', labels: { pool: 'h100', zone: 'a', rank: '7' }, taints: [] };
const tainted: PlacementNode = { ...node, taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] };

function affinity(...terms: readonly KubeJson[]): KubeJson {
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
  };
}
const needs = (key: string, operator: string, ...values: readonly string[]): KubeJson => ({ key, operator, values });

const cases: Readonly<Record<string, { readonly spec: KubeJson; readonly on?: PlacementNode; readonly may: boolean }>> =
  {
    'no demand': { spec: {}, may: true },
    'a selector that holds': { spec: { nodeSelector: { pool: 'h100' } }, may: true },
    'a selector that does not': { spec: { nodeSelector: { pool: 'l40' } }, may: false },
    'one term of several': {
      spec: affinity(
        { matchExpressions: [needs('zone', 'In', 'b')] },
        { matchExpressions: [needs('zone', 'In', 'a', 'c')] },
      ),
      may: true,
    },
    'all expressions of a term': {
      spec: affinity({ matchExpressions: [needs('zone', 'In', 'a'), needs('pool', 'NotIn', 'h100')] }),
      may: false,
    },
    'a label that is absent': {
      spec: affinity({ matchExpressions: [needs('spot', 'DoesNotExist'), needs('spot', 'NotIn', 'x')] }),
      may: true,
    },
    'a label that must be there': { spec: affinity({ matchExpressions: [needs('spot', 'Exists')] }), may: false },
    'a number above': {
      spec: affinity({ matchExpressions: [needs('rank', 'Gt', '6'), needs('rank', 'Lt', '8')] }),
      may: true,
    },
    'a number that is none': { spec: affinity({ matchExpressions: [needs('zone', 'Gt', '6')] }), may: false },
    'the node by its name': { spec: affinity({ matchFields: [needs('metadata.name', 'In', 'gpu-1')] }), may: true },
    'an empty term matches nothing': { spec: affinity({}), may: false },
    'an operator of the future': { spec: affinity({ matchExpressions: [needs('zone', 'Near', 'a')] }), may: false },
    'a taint without toleration': { spec: {}, on: tainted, may: false },
    'a taint with its toleration': {
      spec: { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
      on: tainted,
      may: true,
    },
    'a toleration of another value': { spec: { tolerations: [{ key: 'gpu', value: 'no' }] }, on: tainted, may: false },
    'a toleration of any value': {
      spec: { tolerations: [{ key: 'gpu', operator: 'Exists' }] },
      on: tainted,
      may: true,
    },
    'a toleration of everything': { spec: { tolerations: [{ operator: 'Exists' }] }, on: tainted, may: true },
    'a toleration of another effect': {
      spec: { tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }] },
      on: tainted,
      may: false,
    },
    'a taint that only prefers': {
      spec: {},
      on: { ...node, taints: [{ key: 'x', value: '', effect: 'PreferNoSchedule' }] },
      may: true,
    },
    'a node that is away for now': {
      spec: {},
      on: { ...node, taints: [{ key: 'node.kubernetes.io/unreachable', value: '', effect: 'NoExecute' }] },
      may: true,
    },
  };
for (const [name, { spec, on = node, may }] of Object.entries(cases)) {
  test(`${name}: ${may ? 'may' : 'may not'} land`, () => expect(mayLand(placementOf(spec), on)).toBe(may));
}

const quantities: Readonly<Record<string, bigint | undefined>> = {
  '8': 8000n,
  '1500m': 1500n,
  '0.1': 100n,
  '.5': 500n,
  '1Ki': 1_024_000n,
  '2Gi': 2_147_483_648_000n,
  '1e3': 1_000_000n,
  '1E': 1_000_000_000_000_000_000_000n,
  '12e-1': 1200n,
  '1n': 1n,
  '-3': -3000n,
  '9007199254740993': 9_007_199_254_740_993_000n,
  '': undefined,
  '1.2.3': undefined,
  lots: undefined,
  '1e999': undefined,
};
for (const [written, milli] of Object.entries(quantities)) {
  test(`the quantity '${written}' is ${milli === undefined ? 'none' : `${milli} thousandths`}`, () =>
    expect(parseMilli(written)).toBe(milli));
}

test('counted resources are whole, and none is nothing', () => {
  expect(['4', 4, '1500m', '-1', undefined, {}].map(wholeUnits)).toStrictEqual([4, 4, 1, 0, 0, 0]);
});

test('a selector with nothing in it selects nothing', () => {
  const labels = { app: 'chat', tier: 'gold' };
  const select = (raw: KubeJson): boolean => selects(selectorOf(raw), labels);
  expect(select({})).toBe(false);
  expect(select({ matchLabels: { app: 'chat' } })).toBe(true);
  expect(select({ matchLabels: { app: 'chat' }, matchExpressions: [needs('tier', 'NotIn', 'gold')] })).toBe(false);
  expect(select({ matchExpressions: [needs('tier', 'In', 'gold', 'silver'), needs('spot', 'DoesNotExist')] })).toBe(
    true,
  );
  expect(select({ matchExpressions: [needs('spot', 'Exists')] })).toBe(false);
});

const written: Readonly<Record<string, boolean>> = {
  'app=chat': true,
  'app==chat,tier=gold': true,
  'app=other': false,
  'app!=other': true,
  'tier in (gold, silver),!spot': true,
  'tier notin (gold)': false,
  'app,tier': true,
  spot: false,
  '': false,
  'app=chat,???': false,
};
for (const [selector, want] of Object.entries(written)) {
  test(`the written selector '${selector}' ${want ? 'selects' : 'does not select'}`, () => {
    expect(selects(parseSelector(selector), { app: 'chat', tier: 'gold' })).toBe(want);
  });
}
