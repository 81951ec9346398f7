import { flag, list, object, text, texts } from './fields.ts';
import type { Taint } from './placement.ts';
import { gpuResource } from './pod.ts';
import { wholeUnits } from '../../core/model/quantity.ts';
import { type Kept, versionOf } from './store.ts';

export interface NodeKept extends Kept {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly isReady: boolean;
  readonly isCordoned: boolean;
  /** Allocatable: what the node advertises now. */
  readonly gpus: number;
  /** It should have GPUs: it has, or its labels or capacity say so. */
  readonly isGpuNode: boolean;
}

export function keepNode(raw: unknown): NodeKept | undefined {
  const name = text(raw, 'metadata', 'name');
  if (name === undefined) return undefined;
  const labels = texts(raw, 'metadata', 'labels');
  const gpus = wholeUnits(object(raw, 'status', 'allocatable')[gpuResource]);
  const capacity = wholeUnits(object(raw, 'status', 'capacity')[gpuResource]);
  const says = Object.keys(labels).some((key) => key.startsWith('nvidia.com/gpu'));
  const ready = list(raw, 'status', 'conditions').find((one) => text(one, 'type') === 'Ready');
  return {
    ...versionOf(raw),
    name,
    labels,
    taints: list(raw, 'spec', 'taints').map(taintOf),
    isReady: text(ready, 'status') === 'True',
    isCordoned: flag(raw, 'spec', 'unschedulable'),
    gpus,
    isGpuNode: gpus > 0 || capacity > 0 || says,
  };
}

function taintOf(raw: unknown): Taint {
  return { key: text(raw, 'key') ?? '', value: text(raw, 'value') ?? '', effect: text(raw, 'effect') ?? '' };
}
