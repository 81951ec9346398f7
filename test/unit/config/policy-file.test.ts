import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parsePolicy, readPolicyFile } from '../../../src/config/policy-file.ts';
import { describe } from '../../../src/core/model/result.ts';

const folder = new URL('../../../policies/', import.meta.url);
const head = (kind: string): string => `apiVersion: forewarm.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: x }\n`;

test('every file in policies/ is read and carries the name of its file', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  const names = await Promise.all(
    files.map(async (file) => (await readPolicyFile(new URL(file, folder).pathname)).name),
  );
  expect(names.map((name) => `${name}.yaml`).sort()).toStrictEqual(files.sort());
  expect(files.length).toBeGreaterThanOrEqual(4);
});

test('balanced states every tunable and says the same as an empty ScalingPolicy', async () => {
  const balanced = parsePolicy(await readFile(new URL('balanced.yaml', folder), 'utf8'));
  const empty = parsePolicy(`${head('ScalingPolicy')}spec: {}\n`);
  if (!balanced.ok || !empty.ok) throw new Error('both must be valid');
  expect(balanced.value).toStrictEqual({ ...empty.value, name: 'balanced' });
});

test('presets pull the way they say: latency-first before balanced before cost-first before batch', async () => {
  const read = await Promise.all(
    ['latency-first', 'balanced', 'cost-first', 'batch'].map(async (name) =>
      readPolicyFile(new URL(`${name}.yaml`, folder).pathname),
    ),
  );
  const tunables = read.flatMap((policy) => (policy.kind === 'ScalingPolicy' ? [policy.tunables] : []));
  const falling = (values: readonly number[]): boolean =>
    values.length === 4 && values.every((value, i) => i === 0 || value < (values[i - 1] ?? 0));
  expect(falling(tunables.map((one) => one.provisioningQuantile))).toBe(true);
  expect(falling(tunables.map((one) => -one.targetUtilization))).toBe(true);
  expect(falling(tunables.map((one) => -one.consolidationUtilization))).toBe(true);
});

test('percent become shares and recovery stays absent unless it is set', () => {
  const parsed = parsePolicy(
    `${head('ScalingPolicy')}spec: { provisioningQuantilePercent: 90, recoverySeconds: 45 }\n`,
  );
  expect(parsed).toMatchObject({ ok: true, value: { tunables: { provisioningQuantile: 0.9, recoverySeconds: 45 } } });
  const plain = parsePolicy(`${head('ScalingPolicy')}spec: {}\n`);
  expect(plain.ok && plain.value.kind === 'ScalingPolicy' && 'recoverySeconds' in plain.value.tunables).toBe(false);
});

const refusals: Readonly<Record<string, { readonly text: string; readonly says: string }>> = {
  'an unknown field is named with those that exist': {
    text: `${head('ScalingPolicy')}spec: { tickSecond: 5 }\n`,
    says: '`spec.tickSecond` must be one of tickSeconds, provisioningQuantilePercent',
  },
  'a number out of range is named with its limit': {
    text: `${head('ScalingPolicy')}spec: { tickSeconds: 0 }\n`,
    says: '`spec.tickSeconds` must be at least 1, was 0',
  },
  'a fraction is refused': {
    text: `${head('ScalingPolicy')}spec: { tickSeconds: 1.5 }\n`,
    says: '`spec.tickSeconds` must be of type integer, was 1.5',
  },
  'a warm start slower than a cold one is refused': {
    text: `${head('ScalingPolicy')}spec: { initialLeadTimeWarmSeconds: 200 }\n`,
    says: '`spec.initialLeadTimeWarmSeconds` must be at most `initialLeadTimeColdSeconds` (180), was 200',
  },
  'a word where a number belongs is refused': {
    text: `${head('ScalingPolicy')}spec: { paybackSeconds: "300" }\n`,
    says: '`spec.paybackSeconds` must be of type integer, was "300"',
  },
  'an unknown algorithm is answered with the known ones': {
    text: `${head('SimulatedPolicy')}spec: { algorithm: Magic, parameters: {} }\n`,
    says: 'must be one of AibrixApa, AibrixKpa',
  },
  'a missing parameter is named': {
    text: `${head('SimulatedPolicy')}spec: { algorithm: HpaQueue, parameters: { syncSeconds: 15, tolerancePercent: 10 } }\n`,
    says: '`spec.parameters.targetAverageMilli` must be present, was absent',
  },
  'a parameter of another algorithm is refused': {
    text: `${head('SimulatedPolicy')}spec: { algorithm: Static, parameters: { syncSeconds: 15 } }\n`,
    says: '`spec.parameters.syncSeconds` must be one of replicas',
  },
  'an unknown kind is refused': {
    text: head('Deployment'),
    says: "`kind` must be 'ScalingPolicy' or 'SimulatedPolicy', was",
  },
  'an empty file is refused': { text: '', says: '`(file)` must be one YAML document' },
  'text that is not YAML is refused': { text: 'a: [1', says: '`(file)` must be one YAML document' },
  'a policy list without an entry is refused': {
    text: `${head('ScalingPolicy')}spec: { behavior: { scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: Max, policies: [] } } }\n`,
    says: '`spec.behavior',
  },
};
for (const [name, { text, says }] of Object.entries(refusals)) {
  test(`policy file: ${name}`, () => {
    const parsed = parsePolicy(text);
    expect(parsed.ok ? 'accepted' : describe(parsed.problem)).toContain(says);
  });
}

test('a file that is not there is an error of the catalogue that names it', async () => {
  await expect(readPolicyFile('/nowhere/x.yaml')).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: 'reading policy /nowhere/x.yaml',
  });
});
