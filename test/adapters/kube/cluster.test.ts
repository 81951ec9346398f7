import { expect, test } from 'vitest';
import { deploymentObject } from '../../support/kube-objects.ts';
import { deployment, watched } from '../../support/kube-cluster.ts';

const statefulSet = '/apis/apps/v1/namespaces/team-a/statefulsets/big';
const kinds = {
  Deployment: { path: deployment, key: 'team-a/chat' },
  StatefulSet: { path: statefulSet, key: 'team-a/big' },
};
for (const [kind, { path, key }] of Object.entries(kinds)) {
  test(`a ${kind} that was deleted is gone at once, not at the next list`, async () => {
    const { server, cluster, shows } = await watched((s) => s.put(statefulSet, deploymentObject({ name: 'big' })));
    await server.watching(path.slice(0, path.lastIndexOf('/')).replace('/namespaces/team-a', ''));
    expect(cluster.workload(kind, key)).toMatchObject({ kind, namespace: 'team-a' });
    server.remove(path);
    await shows(() => cluster.workload(kind, key) === undefined);
  });
}
