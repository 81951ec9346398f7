import type { DrainSeen } from '../../core/model/pool.ts';
import { drainOf } from './drain.ts';
import { list, number, object, text, time } from './fields.ts';
import { type Placement, placementOf } from './placement.ts';
import { gpusOf } from './pod.ts';
import { type LabelSelector, selectorOf } from './selector.ts';
import { type Kept, keyOf, versionOf } from './store.ts';

/** What we keep of a Deployment or a StatefulSet; of any other target what its scale and its pods tell. */
export interface WorkloadKept extends Kept {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly updatedReplicas: number;
  readonly selector: LabelSelector;
  /** Its pods name it (through their ReplicaSet); else the selector alone tells which they are. */
  readonly isOwner: boolean;
  readonly placement: Placement;
  /** Equal for templates that may land on the same nodes. */
  readonly placementKey: string;
  /** Of one replica; absent while no pod was seen of a target without a template. */
  readonly gpus?: number;
  readonly image?: string;
  /** Absent where there is no template. */
  readonly drain?: DrainSeen;
  /** Reason and message of a true ReplicaFailure. */
  readonly failure?: { readonly reason: string; readonly message: string };
  readonly controller?: string;
  /** The manager that wrote spec.replicas last, through /scale or the object itself. */
  readonly replicasManager?: { readonly manager: string; readonly at?: number };
}

export function keepWorkload(kind: 'Deployment' | 'StatefulSet'): (raw: unknown) => WorkloadKept | undefined {
  return (raw) => {
    const name = text(raw, 'metadata', 'name');
    if (name === undefined) return undefined;
    const podSpec = object(raw, 'spec', 'template', 'spec');
    const placement = placementOf(podSpec);
    const gpus = gpusOf(podSpec);
    const image = text(list(podSpec, 'containers')[0], 'image');
    return {
      ...versionOf(raw),
      key: `${kind}/${keyOf(raw)}`,
      kind,
      namespace: text(raw, 'metadata', 'namespace') ?? '',
      name,
      // An absent spec.replicas is the API's default of 1 here; only /scale omits zero.
      specReplicas: number(raw, 'spec', 'replicas') ?? 1,
      statusReplicas: number(raw, 'status', 'replicas') ?? 0,
      updatedReplicas: number(raw, 'status', 'updatedReplicas') ?? 0,
      selector: selectorOf(object(raw, 'spec', 'selector')),
      isOwner: true,
      placement,
      placementKey: JSON.stringify([gpus, placement]),
      gpus,
      ...(image === undefined ? {} : { image }),
      drain: drainOf(podSpec),
      ...failureOf(raw),
      ...controllerOf(raw),
      ...managerOf(raw),
    };
  };
}

function failureOf(raw: unknown): Pick<WorkloadKept, 'failure'> {
  const found = list(raw, 'status', 'conditions').find(
    (one) => text(one, 'type') === 'ReplicaFailure' && text(one, 'status') === 'True',
  );
  if (found === undefined) return {};
  return {
    failure: { reason: text(found, 'reason') ?? 'FailedCreate', message: (text(found, 'message') ?? '').slice(0, 200) },
  };
}

function controllerOf(raw: unknown): Pick<WorkloadKept, 'controller'> {
  const owner = list(raw, 'metadata', 'ownerReferences').find((one) => object({ one }, 'one')['controller'] === true);
  return owner === undefined ? {} : { controller: `${text(owner, 'kind') ?? ''}/${text(owner, 'name') ?? ''}` };
}

function managerOf(raw: unknown): Pick<WorkloadKept, 'replicasManager'> {
  const entries = list(raw, 'metadata', 'managedFields')
    .filter((entry) => 'f:replicas' in object(entry, 'fieldsV1', 'f:spec'))
    .map((entry) => ({ manager: text(entry, 'manager') ?? '', at: time(entry, 'time') }))
    .sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const [last] = entries;
  if (last === undefined) return {};
  return { replicasManager: { manager: last.manager, ...(last.at === undefined ? {} : { at: last.at }) } };
}
