import { expect, test } from 'vitest';
import { keepArtifact, keepNodeCache } from '../../../src/adapters/kube/artifact.ts';
import { Scene } from '../../support/cluster-scene.ts';
import { nodeObject, podObject } from '../../support/kube-objects.ts';
import type { KubeJson } from '../../support/kube-server.ts';

const hash = '394721b56053';
const artifact = {
  metadata: { name: 'llama', namespace: 'team-a', uid: 'm', generation: 1 },
  spec: { source: 'hf://meta/llama@main' },
  status: { commit: 'abcdef1', hash, totalBytes: 5, observedGeneration: 1 },
};
const warm = { spec: { warmth: { mode: 'Act', modelArtifactRef: { name: 'llama' } } } };
const commit = '0123456789abcdef0123456789abcdef01234567';
const assigned = {
  metadata: { name: 'gpu-1', uid: 'nc' },
  spec: {
    node: 'gpu-1',
    artifacts: [
      { hash, name: 'team-a/llama', source: 'hf://meta/llama', commit },
      { hash: 'ffffffffffff', name: 'team-b/other', source: 'hf://meta/other', commit: 'f'.repeat(40) },
    ],
  },
};
const naming: Readonly<Record<string, KubeJson>> = {
  'in its environment': { containers: [{ name: 'engine', env: [{ name: 'COMMIT', value: commit }] }] },
  'in its arguments': { containers: [{ name: 'engine', args: [`--revision=${commit}`] }] },
  'by the label it prefers': {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { preference: { matchExpressions: [{ key: `warm.forewarm.dev/${hash}`, operator: 'Exists' }] } },
        ],
      },
    },
  },
};
for (const [how, spec] of Object.entries(naming)) {
  test(`a copy is in use while a live pod on its node names it ${how}, whoever owns the pod`, async () => {
    const scene = new Scene().node(nodeObject('gpu-1'));
    scene.put(scene.cluster.nodeCaches, keepNodeCache, assigned);
    const pod = (phase: string, node: string): KubeJson => {
      const object = podObject({ uid: 'stray', deployment: 'nobody', phase, gpus: 0 });
      return { ...object, spec: { ...(object['spec'] as KubeJson), ...spec, nodeName: node } };
    };
    const inUse = async (): Promise<unknown> => (await scene.fleet()).nodes[0]?.cache?.inUse;
    expect(await inUse()).toBeUndefined();
    expect(await (scene.pod(pod('Running', 'gpu-2')), inUse())).toBeUndefined();
    expect(await (scene.pod(pod('Running', 'gpu-1')), inUse())).toStrictEqual([hash]);
    expect(await (scene.pod(pod('Succeeded', 'gpu-1')), inUse())).toBeUndefined();
  });
}

test('a controller of one namespace takes no part in what others assigned', async () => {
  const shown = async (scene: Scene): Promise<unknown> => {
    scene.node(nodeObject('gpu-1')).put(scene.cluster.nodeCaches, keepNodeCache, assigned);
    return (await scene.fleet()).nodes[0]?.cache?.assigned;
  };
  expect(await shown(new Scene({ namespace: 'team-a' }))).toStrictEqual([hash]);
  expect(await shown(new Scene())).toStrictEqual([hash, 'ffffffffffff']);
});

test('what a pool that cannot be used at the moment would want is reserved', async () => {
  const scene = new Scene().deployment();
  scene.put(scene.cluster.artifacts, keepArtifact, artifact).autoscaler(warm);
  expect((await scene.fleet()).reserved).toBeUndefined();
  scene.autoscaler({ spec: { ...warm.spec, mode: 'bad' } });
  expect((await scene.fleet()).reserved).toStrictEqual([hash]);
});
