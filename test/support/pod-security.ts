import type { Json } from './manifests.ts';

/** Volume types that the restricted profile admits. */
const volumeTypes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const hostFields = ['hostNetwork', 'hostPID', 'hostIPC'];
const containerLists = ['initContainers', 'containers', 'ephemeralContainers'];

/** Where a pod spec breaks the Pod Security Standard `restricted`, with a read-only root file system and set resources on top. */
export function restrictedFaults(spec: Json): readonly string[] {
  return [...podFaults(spec), ...containers(spec).flatMap((container) => containerFaults(container, spec))];
}

function podFaults(spec: Json): readonly string[] {
  const faults = hostFields.filter((field) => spec[field] === true).map((field) => `${field} must not be true`);
  for (const volume of list(spec['volumes'])) {
    const [type = 'emptyDir'] = Object.keys(volume).filter((key) => key !== 'name');
    if (!volumeTypes.has(type)) faults.push(`volume ${String(volume['name'])} must not be a ${type}`);
  }
  if (spec['automountServiceAccountToken'] !== false) faults.push('automountServiceAccountToken must be false');
  if (list(record(spec['securityContext'])['sysctls']).length > 0) faults.push('sysctls must be absent');
  return faults;
}

function containerFaults(container: Json, spec: Json): readonly string[] {
  const pod = record(spec['securityContext']);
  const own = record(container['securityContext']);
  const effective = { ...pod, ...own };
  const capabilities = record(own['capabilities']);
  const seccomp = record(effective['seccompProfile'])['type'];
  const checks: readonly (readonly [boolean, string])[] = [
    [effective['runAsNonRoot'] === true, 'runAsNonRoot must be true'],
    [effective['runAsUser'] !== 0, 'runAsUser must not be 0'],
    [seccomp === 'RuntimeDefault' || seccomp === 'Localhost', 'seccompProfile must be RuntimeDefault or Localhost'],
    [own['allowPrivilegeEscalation'] === false, 'allowPrivilegeEscalation must be false'],
    [own['privileged'] !== true, 'privileged must not be true'],
    [own['procMount'] === undefined, 'procMount must be absent'],
    [list(capabilities['drop'] as unknown).includes('ALL' as never), 'capabilities must drop ALL'],
    [onlyBind(capabilities['add']), 'capabilities must add nothing but NET_BIND_SERVICE'],
    [list(container['ports']).every((port) => port['hostPort'] === undefined), 'ports must have no hostPort'],
    [own['readOnlyRootFilesystem'] === true, 'readOnlyRootFilesystem must be true'],
    [record(record(container['resources'])['requests'])['cpu'] !== undefined, 'resources.requests.cpu must be set'],
    [record(record(container['resources'])['limits'])['memory'] !== undefined, 'resources.limits.memory must be set'],
  ];
  return checks.filter(([holds]) => !holds).map(([, fault]) => `container ${String(container['name'])}: ${fault}`);
}

function onlyBind(added: unknown): boolean {
  return (list(added) as readonly unknown[]).every((name) => name === 'NET_BIND_SERVICE');
}

export function containers(spec: Json): readonly Json[] {
  return containerLists.flatMap((name) => list(spec[name]));
}

export function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

export function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
