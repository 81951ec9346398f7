import { expect, test } from 'vitest';
import { flagValues, parseControllerConfig } from '../../../src/cli/controller-config.ts';
import { describe } from '../../../src/core/model/result.ts';

const head = 'apiVersion: forewarm.dev/v1alpha1\nkind: ControllerConfig\n';

test('settings become the flags of the same meaning', () => {
  const parsed = parseControllerConfig(
    `${head}namespace: team-a\nlease: {name: l}\nscrapeIntervalSeconds: 5\nprometheusAllow: [cluster, 'https://prom.example']\nadapter: {listen: '0', peers: [a, b]}\n`,
  );
  expect(parsed.ok && flagValues(parsed.value)).toStrictEqual({
    namespace: 'team-a',
    leaseName: 'l',
    scrapeInterval: '5',
    prometheusAllow: 'cluster,https://prom.example',
    adapterListen: '0',
    adapterPeers: 'a,b',
  });
});

const refused: Readonly<Record<string, readonly [string, string]>> = {
  'a setting that does not exist': [
    `${head}scrapeInterval: 5`,
    '`scrapeInterval` must be absent: there is no such setting, was "present"',
  ],
  'one inside another': [
    `${head}lease: {nam: x}`,
    '`lease.nam` must be absent: there is no such setting, was "present"',
  ],
  'a number out of range': [`${head}scrapeIntervalSeconds: 0`, '`scrapeIntervalSeconds` must be >= 1, was 0'],
  'another kind': [
    'apiVersion: forewarm.dev/v1alpha1\nkind: Deployment',
    '`kind` must be \'ControllerConfig\', was "Deployment"',
  ],
  'no kind': ['apiVersion: forewarm.dev/v1alpha1', '`kind` must be set, was undefined'],
  nothing: ['', '`(file)` must be one YAML document'],
  'no YAML': ['a: [', '`(file)` must be one YAML document'],
};
for (const [name, [written, message]] of Object.entries(refused)) {
  test(`a configuration with ${name} is refused by name`, () => {
    const parsed = parseControllerConfig(written);
    expect(parsed.ok ? 'accepted' : describe(parsed.problem)).toContain(message);
  });
}
