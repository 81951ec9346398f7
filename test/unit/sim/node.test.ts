import { describe, expect, it } from 'vitest';
import type { ArtifactNeed } from '../../../src/core/model/policy.ts';
import { bytes } from '../../../src/core/model/units.ts';
import { Agenda } from '../../../src/sim/agenda.ts';
import type { Download } from '../../../src/sim/download.ts';
import { Downloads } from '../../../src/sim/downloads.ts';
import { SimNode } from '../../../src/sim/node.ts';

const artifact = (hash: string, size: number): ArtifactNeed => ({ hash, name: `team/${hash}@1`, bytes: bytes(size) });
const agenda = new Agenda();
const node = (diskBytes: number): SimNode => {
  const downloads = new Downloads({ agenda, holders: () => [] }).of(1);
  return new SimNode({ name: 'n', number: 1, gpus: 8, diskBytes, downloads, downloadMs: () => 1000 });
};
/** Whether it is done just then, and not before. */
const isDoneAt = (download: Download, atMs: number): boolean => download.isDone(atMs) && !download.isDone(atMs - 1);

describe('a simulated node', () => {
  it('downloads an artifact once, whoever asks for it', () => {
    const n = node(100);
    n.assign(artifact('a', 60), 0);
    const { download, isFromCache } = n.useWeights(artifact('a', 60), 400, 5000);
    expect([isDoneAt(download, 1000), isFromCache]).toStrictEqual([true, true]);
    expect(n.useWeights(artifact('a', 60), 3000, 5000)).toStrictEqual({ download, isFromCache: true });
    expect(n.usedBytes).toBe(60);
  });

  it('refuses what does not fit: an assignment fails, a replica downloads for itself alone', () => {
    const n = node(100);
    n.assign(artifact('a', 60), 0);
    n.assign(artifact('b', 60), 0);
    expect(n.seen(2000).cache).toMatchObject({
      phases: { a: 'Ready', b: 'Failed' },
      assigned: ['a', 'b'],
      usedBytes: 60,
    });
    const { download, isFromCache } = n.useWeights(artifact('c', 60), 2000, 500);
    expect([isDoneAt(download, 2500), isFromCache]).toStrictEqual([true, false]);
    expect(n.hasWeights('c', 9000)).toBe(false);
  });

  it('tries a failed assignment again when room was made', () => {
    const n = node(100);
    n.assign(artifact('a', 60), 0);
    n.assign(artifact('b', 60), 0);
    n.unassign('a');
    n.assign(artifact('b', 60), 100);
    expect(n.seen(1100).cache).toMatchObject({ phases: { b: 'Ready' }, assigned: ['b'], usedBytes: 60 });
  });

  it('gives up what nobody assigned and nobody uses, when room is needed', () => {
    const n = node(100);
    n.useWeights(artifact('a', 60), 0, 10);
    n.assign(artifact('b', 60), 20);
    expect(n.seen(30).cache?.phases['b']).toBe('Failed');
    n.leaveWeights('a');
    n.assign(artifact('b', 60), 40);
    expect(n.seen(2000).cache?.phases).toStrictEqual({ b: 'Ready' });
  });

  it('keeps unassigned weights while a replica uses them', () => {
    const n = node(100);
    n.assign(artifact('a', 60), 0);
    n.useWeights(artifact('a', 60), 2000, 10);
    n.unassign('a');
    expect(n.hasWeights('a', 2000)).toBe(true);
  });

  it('pulls an image once, and a faster pull overtakes', () => {
    const n = node(100);
    expect(isDoneAt(n.pullImage(0, 4000), 4000)).toBe(true);
    expect(isDoneAt(n.pullImage(1000, 9000), 4000)).toBe(true);
    expect(isDoneAt(n.pullImage(1500, 2000), 3500)).toBe(true);
    expect(isDoneAt(n.pullImage(8000, 9000), 3500)).toBe(true);
  });

  it('never gives out more GPUs than it has', () => {
    const n = node(100);
    n.allocate(8);
    expect(() => n.allocate(1)).toThrow('must have 1 free GPUs, has 0');
  });
});
