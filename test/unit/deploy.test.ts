import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles } from '../support/architecture.ts';
import { type Json, type Manifest, manifestsOf, unlistedFiles } from '../support/manifests.ts';
import { containers, list, record, restrictedFaults } from '../support/pod-security.ts';
import { rightsFaults, rulesOf } from '../support/rights.ts';

const root = join(import.meta.dirname, '../..');
const manifests = manifestsOf(join(root, 'deploy'));

function ofKind(...kinds: readonly string[]): readonly Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
}
function named(kind: string, name: string): Manifest {
  const found = manifests.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`deploy has no ${kind} ${name}`);
  return found;
}
function podSpec(workload: Manifest): Json {
  return record(record(record(workload['spec'])['template'])['spec']);
}
const workloads = ofKind('Deployment', 'DaemonSet');

test('every file of deploy is part of it, recipes and components apart', () => {
  const unlisted = unlistedFiles(join(root, 'deploy')).filter(
    (file) => !/^deploy\/(recipes|components|README.md)$/.test(file),
  );
  expect(unlisted).toStrictEqual([]);
});

test('everything namespaced stands in a namespace that is declared, or in kube-system', () => {
  const declared = ofKind('Namespace').map(({ metadata }) => metadata.name);
  const used = new Set(manifests.flatMap(({ metadata }) => metadata.namespace ?? []));
  expect([...used].filter((name) => name !== 'kube-system').toSorted()).toStrictEqual(declared.toSorted());
});

test('the namespace of the controller enforces restricted; only that of the agents is privileged', () => {
  const levels = ofKind('Namespace').map(({ metadata }) => [
    metadata.name,
    metadata.labels?.['pod-security.kubernetes.io/enforce'],
  ]);
  expect(Object.fromEntries(levels)).toStrictEqual({ 'forewarm-system': 'restricted', 'forewarm-node': 'privileged' });
});

test('the controller passes the restricted profile', () => {
  expect(restrictedFaults(podSpec(named('Deployment', 'forewarm-controller')))).toStrictEqual([]);
});

test('the agent passes the restricted profile but for its one host path', () => {
  expect(restrictedFaults(podSpec(named('DaemonSet', 'forewarm-agent')))).toStrictEqual([
    'volume cache must not be a hostPath',
  ]);
});

test('no workload mounts a host path twice, or anywhere but in its one container', () => {
  for (const workload of workloads) {
    const spec = podSpec(workload);
    const paths = list(spec['volumes']).filter((volume) => volume['hostPath'] !== undefined);
    const mounts = containers(spec).flatMap((container) => list(container['volumeMounts']));
    const used = mounts.filter((mount) => paths.some((volume) => volume['name'] === mount['name']));
    expect(used.length).toBe(paths.length);
  }
});

const brokenPods: Readonly<Record<string, { readonly change: Json; readonly fault: string }>> = {
  'the host network': { change: { hostNetwork: true }, fault: 'hostNetwork must not be true' },
  'a host path': {
    change: { volumes: [{ name: 'x', hostPath: { path: '/' } }] },
    fault: 'volume x must not be a hostPath',
  },
  'a mounted token': {
    change: { automountServiceAccountToken: true },
    fault: 'automountServiceAccountToken must be false',
  },
  'no security context': {
    change: { securityContext: {} },
    fault: 'container controller: runAsNonRoot must be true',
  },
  'a container without one': {
    change: { containers: [{ name: 'x' }] },
    fault: 'container x: capabilities must drop ALL',
  },
  'an added capability': {
    change: {
      containers: [{ name: 'x', securityContext: { capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } } }],
    },
    fault: 'container x: capabilities must add nothing but NET_BIND_SERVICE',
  },
};
for (const [name, { change, fault }] of Object.entries(brokenPods)) {
  test(`the profile check finds ${name}`, () => {
    expect(restrictedFaults({ ...podSpec(named('Deployment', 'forewarm-controller')), ...change })).toContain(fault);
  });
}

test('no role has more than it needs: no wildcard, no listed secret, no exec, no escalation', () => {
  const roles = ofKind('ClusterRole', 'Role');
  expect(roles.length).toBeGreaterThan(5);
  expect(roles.flatMap((role) => rightsFaults(role))).toStrictEqual([]);
});

const brokenRules: Readonly<Record<string, { readonly rule: Json; readonly fault: string }>> = {
  'a wildcard verb': { rule: { apiGroups: [''], resources: ['pods'], verbs: ['*'] }, fault: 'x: wildcard' },
  'a wildcard resource': { rule: { apiGroups: ['*'], resources: ['*'], verbs: ['get'] }, fault: 'x: wildcard' },
  'listing secrets': {
    rule: { apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['list'] },
    fault: 'x: secrets only by get or patch of a name in a Role',
  },
  'unnamed secrets': {
    rule: { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    fault: 'x: secrets only by get or patch of a name in a Role',
  },
  exec: { rule: { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] }, fault: 'x: pods/exec' },
  impersonation: { rule: { apiGroups: [''], resources: ['users'], verbs: ['impersonate'] }, fault: 'x: impersonate' },
  'writing workloads': {
    rule: { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
    fault: 'x: writes deployments',
  },
  'nothing at all': { rule: { apiGroups: [''], resources: [], verbs: ['get'] }, fault: 'x: names no resource' },
};
for (const [name, { rule, fault }] of Object.entries(brokenRules)) {
  test(`the check of rights finds ${name}`, () => {
    const role = { file: '', apiVersion: 'v1', kind: 'Role', metadata: { name: 'x' }, rules: [rule] };
    expect(rightsFaults(role)).toContain(fault);
  });
}

test('the agents may read NodeCaches and patch their status, nothing else', () => {
  expect(rulesOf(named('ClusterRole', 'forewarm-agent'))).toStrictEqual([
    'forewarm.dev/nodecaches get,list,watch',
    'forewarm.dev/nodecaches/status patch',
  ]);
});

test('the controller writes scale subresources, never the workloads', () => {
  expect(rulesOf(named('ClusterRole', 'forewarm-scaler'))).toStrictEqual([
    'apps/deployments/scale get,patch',
    'apps/statefulsets/scale get,patch',
  ]);
});

test('every binding joins a role and an account that exist', () => {
  const known = new Set(['system:auth-delegator', 'extension-apiserver-authentication-reader']);
  for (const binding of ofKind('ClusterRoleBinding', 'RoleBinding')) {
    const { kind, name } = record(binding['roleRef']);
    if (!known.has(String(name))) named(String(kind), String(name));
    for (const subject of list(binding['subjects'])) {
      const account = named('ServiceAccount', String(subject['name']));
      expect(account.metadata.namespace).toBe(subject['namespace']);
    }
  }
});

test('every admission policy denies, and names an account that exists', () => {
  const policies = ofKind('ValidatingAdmissionPolicy');
  const bindings = ofKind('ValidatingAdmissionPolicyBinding').map(({ spec }) => record(spec));
  expect(bindings.map((spec) => spec['policyName']).toSorted()).toStrictEqual(
    policies.map(({ metadata }) => metadata.name).toSorted(),
  );
  expect(bindings.every((spec) => JSON.stringify(spec['validationActions']) === '["Deny"]')).toBe(true);
  for (const policy of policies) {
    expect(record(policy['spec'])['failurePolicy']).toBe('Fail');
    const [, namespace, name] = /'system:serviceaccount:([^:]+):([^']+)'/.exec(JSON.stringify(policy['spec'])) ?? [];
    expect(named('ServiceAccount', String(name)).metadata.namespace).toBe(namespace);
  }
});

test('selectors find the pods they mean, and ports are those of the container', () => {
  const controller = named('Deployment', 'forewarm-controller');
  const labels = record(record(record(record(controller['spec'])['template'])['metadata'])['labels']);
  const ports = containers(podSpec(controller)).flatMap((container) => list(container['ports']));
  const names = ports.map((port) => port['name']);
  const service = record(named('Service', 'forewarm')['spec']);
  expect(labels).toMatchObject(record(service['selector']));
  for (const port of list(service['ports'])) expect(names).toContain(port['targetPort']);
  const budget = record(named('PodDisruptionBudget', 'forewarm-controller')['spec']);
  expect(labels).toMatchObject(record(record(budget['selector'])['matchLabels']));
});

test('the network policies open the ports of the containers, and no other', () => {
  for (const workload of workloads) {
    const ports = containers(podSpec(workload)).flatMap((container) =>
      list(container['ports']).map(({ name }) => name),
    );
    const policy = record(named('NetworkPolicy', workload.metadata.name)['spec']);
    const open = list(policy['ingress']).flatMap((rule) => list(rule['ports']).map(({ port }) => port));
    expect(open.toSorted()).toStrictEqual(ports.toSorted());
  }
});

test('the APIService leads to a port of the Service, and its certificate is never left unchecked', () => {
  const spec = record(named('APIService', 'v1beta1.external.metrics.k8s.io')['spec']);
  const { name, namespace, port } = record(spec['service']);
  const service = named('Service', String(name));
  expect(service.metadata.namespace).toBe(namespace);
  expect(list(record(service['spec'])['ports']).map((one) => one['port'])).toContain(port);
  expect(spec['insecureSkipTLSVerify']).toBeUndefined();
});

test('the controller answers on for a while after it was told to end, and has time for its last writes after that', () => {
  const spec = podSpec(named('Deployment', 'forewarm-controller'));
  const [controller] = list(spec['containers']);
  const seconds = Number(record(record(record(controller?.['lifecycle'])['preStop'])['sleep'])['seconds']);
  expect(seconds).toBeGreaterThanOrEqual(5);
  expect(Number(spec['terminationGracePeriodSeconds']) - seconds).toBeGreaterThanOrEqual(15);
});

test('whoever asks the hub finds its token in the secret that its namespace may have', () => {
  for (const [workload, flag] of [
    [named('Deployment', 'forewarm-controller'), '--hub-token-file'],
    [named('DaemonSet', 'forewarm-agent'), '--token-file'],
  ] as const) {
    const spec = podSpec(workload);
    const [container] = list(spec['containers']);
    const volume = list(spec['volumes']).find((one) => record(one['secret'])['secretName'] === 'forewarm-hub');
    expect(record(volume?.['secret'])['optional']).toBe(true);
    const mount = list(container?.['volumeMounts']).find((one) => one['name'] === volume?.['name']);
    expect(container?.['args']).toContain(`${flag}=${String(mount?.['mountPath'])}/token`);
  }
});

test('every workload uses the image that the kustomization tags', () => {
  const text = readFileSync(join(root, 'deploy/kustomization.yaml'), 'utf8');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(text).toContain(`- name: forewarm\n    newTag: ${version}\n`);
  expect(workloads.flatMap((one) => containers(podSpec(one)).map((container) => container['image']))).toStrictEqual([
    'forewarm',
    'forewarm',
  ]);
});

test('the Dockerfile copies what exists and runs the entry point as the user of the pods', () => {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
  const copied = lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from='));
  const sources = copied.flatMap((line) => line.split(/\s+/).slice(1, -1));
  expect(sources.length).toBeGreaterThan(5);
  expect(sources.filter((source) => !existsSync(join(root, source)))).toStrictEqual([]);
  const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  expect(sources.filter((source) => !ignore.includes(`!${source}`))).toStrictEqual([]);
  const last = lines.findLastIndex((line) => line.startsWith('FROM '));
  const final = lines.slice(last);
  expect(final[0]).toMatch(/distroless\/nodejs24-debian13:nonroot$/);
  const user = podSpec(named('Deployment', 'forewarm-controller'))['securityContext'];
  expect(final).toContain(`USER ${String(record(user)['runAsUser'])}:${String(record(user)['runAsGroup'])}`);
  expect(final.some((line) => line.startsWith('RUN '))).toBe(false);
  const entry = /\/app\/dist\/(src\/cli\/main)\.js/.exec(final.join('\n'))?.[1];
  expect(existsSync(join(root, `${String(entry)}.ts`))).toBe(true);
});

test('the image has every folder that the program looks for above its own files', () => {
  const found = sourceFiles(root).flatMap(({ text }) =>
    [...text.matchAll(/(?:join\(folder, |const file = )'([a-z]+)/g)].map(([, folder]) => folder ?? ''),
  );
  const copied = readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^COPY ([a-z]+) \1$/gm);
  const folders = new Set([...copied].map(([, folder]) => folder));
  expect(new Set(found)).toStrictEqual(new Set(['policies', 'profiles', 'crds']));
  expect([...new Set(found)].filter((folder) => !folders.has(folder))).toStrictEqual([]);
});
