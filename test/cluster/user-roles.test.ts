import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, makeNamespace } from './support/bed.ts';
import { applyDeploy } from './support/deploy.ts';
import { until } from './support/wait.ts';

/** What people may do whose only right is a common role of Kubernetes, bound in one namespace. */
const api = connect();
const ns = 'user-roles';

beforeAll(async () => {
  await makeNamespace(api, ns);
  await applyDeploy(api);
});
afterAll(async () => {
  await api.close();
});

const users: Readonly<Record<string, readonly [role: string, verb: string, resource: string, may: boolean]>> = {
  'a viewer reads autoscalers': ['view', 'list', 'inferenceautoscalers', true],
  'a viewer does not change autoscalers': ['view', 'patch', 'inferenceautoscalers', false],
  'an editor creates autoscalers': ['edit', 'create', 'inferenceautoscalers', true],
  'an editor creates artifacts': ['edit', 'create', 'modelartifacts', true],
  'an editor does not write their status': ['edit', 'patch', 'inferenceautoscalers/status', false],
  'an editor does not read learned memory': ['edit', 'get', 'poolcheckpoints', false],
  'an administrator deletes autoscalers': ['admin', 'delete', 'inferenceautoscalers', true],
  'an administrator does not change scaling policies': ['admin', 'patch', 'scalingpolicies', false],
  'a policy editor changes scaling policies': ['forewarm-policy-editor', 'patch', 'scalingpolicies', true],
};
for (const [name, [role, verb, resource, may]] of Object.entries(users)) {
  test(`${name} of a namespace where that role is bound`, async () => {
    const user = `${role}-${resource.replaceAll('/', '-')}-${verb}`;
    await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`, {
      metadata: { name: user },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    });
    const known = role === 'forewarm-policy-editor' ? 'scalingpolicies' : 'inferenceautoscalers';
    await until(`the binding of ${user}`, async () => await isAllowed(user, 'get', known), Boolean);
    expect(await isAllowed(user, verb, resource)).toBe(may);
  });
}

async function isAllowed(user: string, verb: string, path: string): Promise<boolean> {
  const [resource = '', subresource = ''] = path.split('/');
  const answer = await api.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, resourceAttributes: { namespace: ns, verb, group: 'forewarm.dev', resource, subresource } },
  });
  return answer.status?.['allowed'] === true;
}
