import { type Json, list, object, text, texts } from './fields.ts';

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}
interface Term {
  readonly labels: readonly Requirement[];
  readonly fields: readonly Requirement[];
}
interface Toleration {
  readonly key?: string;
  readonly operator: string;
  readonly value: string;
  readonly effect?: string;
}

/** What a pod template demands of a node. */
export interface Placement {
  readonly selector: Readonly<Record<string, string>>;
  /** Any one of them; none: no demand. */
  readonly terms: readonly Term[];
  readonly tolerations: readonly Toleration[];
}

export interface PlacementNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** Taints that say how a node feels, not whom it is for; health is judged apart. */
const healthTaints =
  /^node\.kubernetes\.io\/(not-ready|unreachable|unschedulable|memory-pressure|disk-pressure|pid-pressure|network-unavailable)$/;

export function placementOf(podSpec: Json): Placement {
  const required = object(podSpec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  return {
    selector: texts(podSpec, 'nodeSelector'),
    terms: list(required, 'nodeSelectorTerms').map((term) => ({
      labels: list(term, 'matchExpressions').map(requirementOf),
      fields: list(term, 'matchFields').map(requirementOf),
    })),
    tolerations: list(podSpec, 'tolerations').map(tolerationOf),
  };
}

/** Whether the scheduler could ever put such a pod there, as selector, required node affinity and taints say. */
export function mayLand(placement: Placement, node: PlacementNode): boolean {
  const hasLabels = Object.entries(placement.selector).every(([key, value]) => node.labels[key] === value);
  const { terms } = placement;
  return (
    hasLabels && (terms.length === 0 || terms.some((term) => fits(term, node))) && toleratesAll(placement, node.taints)
  );
}

function fits(term: Term, node: PlacementNode): boolean {
  // An empty term matches nothing, as in the scheduler.
  if (term.labels.length + term.fields.length === 0) return false;
  const fields = { 'metadata.name': node.name };
  return term.labels.every((one) => meets(one, node.labels)) && term.fields.every((one) => meets(one, fields));
}

function meets({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}

function toleratesAll({ tolerations }: Placement, taints: readonly Taint[]): boolean {
  return taints
    .filter(({ effect, key }) => effect !== 'PreferNoSchedule' && !healthTaints.test(key))
    .every((taint) => tolerations.some((one) => tolerates(one, taint)));
}

function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key === undefined) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === taint.value);
}

function requirementOf(raw: unknown): Requirement {
  const values = list(raw, 'values').filter((one) => typeof one === 'string');
  return { key: text(raw, 'key') ?? '', operator: text(raw, 'operator') ?? '', values };
}

function tolerationOf(raw: unknown): Toleration {
  const key = text(raw, 'key');
  const effect = text(raw, 'effect');
  return {
    ...(key === undefined || key === '' ? {} : { key }),
    operator: text(raw, 'operator') ?? 'Equal',
    value: text(raw, 'value') ?? '',
    ...(effect === undefined || effect === '' ? {} : { effect }),
  };
}
