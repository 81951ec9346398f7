import type { Manifest } from './manifests.ts';
import { list } from './pod-security.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const forbiddenResources = ['pods/exec', 'pods/attach', 'pods/portforward', 'nodes/proxy', 'services/proxy'];
const forbiddenVerbs = ['escalate', 'bind', 'impersonate'];
const writing = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const workloads = ['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'jobs'];

/** What a role must not hold, each as `role: fault`. */
export function rightsFaults(role: Manifest): readonly string[] {
  return rules(role).flatMap((rule) => ruleFaults(rule, role).map((fault) => `${role.metadata.name}: ${fault}`));
}

/** One line a resource, `group/resource verbs`, for tests that name a role's rights in full. */
export function rulesOf(role: Manifest): readonly string[] {
  return rules(role).flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource} ${verbs.join(',')}`)),
  );
}

function ruleFaults(rule: Rule, role: Manifest): readonly string[] {
  const { resources, verbs } = rule;
  const writes = verbs.some((verb) => writing.includes(verb));
  const secrets = resources.includes('secrets');
  const named = role.kind === 'Role' && rule.resourceNames !== undefined && rule.resourceNames.length > 0;
  return [
    ...(resources.length === 0 ? ['names no resource'] : []),
    ...([...rule.apiGroups, ...resources, ...verbs].some((word) => word.includes('*')) ? ['wildcard'] : []),
    ...resources.filter((resource) => forbiddenResources.includes(resource)),
    ...verbs.filter((verb) => forbiddenVerbs.includes(verb)),
    ...(writes ? resources.filter((resource) => workloads.includes(resource)).map((one) => `writes ${one}`) : []),
    ...(secrets && !(named && verbs.every((verb) => verb === 'get' || verb === 'patch'))
      ? ['secrets only by get or patch of a name in a Role']
      : []),
  ];
}

function rules(role: Manifest): readonly Rule[] {
  return list(role['rules']) as unknown as readonly Rule[];
}
