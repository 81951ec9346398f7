import { withheldPrefix } from '../../core/model/withheld.ts';
import { list, number, object, text, texts } from './fields.ts';
import { type Kept, versionOf } from './store.ts';
import { parseMilli } from '../../core/model/quantity.ts';

/** What we keep of a HorizontalPodAutoscaler: whom it scales, whether by our metric, and whether it acts. */
export interface HpaKept extends Kept {
  readonly namespace: string;
  readonly name: string;
  readonly targetKind: string;
  readonly targetName: string;
  /** Labels that each of its external metrics `forewarm_desired_replicas` selects. */
  readonly ours: readonly Readonly<Record<string, string>>[];
  /** Message of ScalingActive or AbleToScale when it is False. */
  readonly problem?: string;
  /** What its own behavior adds to ours. */
  readonly damps: readonly string[];
  /** Share of the status within which it does nothing; where it does not say, the usual default of a cluster. */
  readonly tolerance: { readonly up: number; readonly down: number };
}

export const decisionMetric = 'forewarm_desired_replicas';

export function keepHpa(raw: unknown): HpaKept | undefined {
  const name = text(raw, 'metadata', 'name');
  if (name === undefined) return undefined;
  const problem = problemOf(raw);
  return {
    ...versionOf(raw),
    namespace: text(raw, 'metadata', 'namespace') ?? '',
    name,
    targetKind: text(raw, 'spec', 'scaleTargetRef', 'kind') ?? '',
    targetName: text(raw, 'spec', 'scaleTargetRef', 'name') ?? '',
    ours: list(raw, 'spec', 'metrics').flatMap((metric) =>
      text(metric, 'external', 'metric', 'name') === decisionMetric
        ? [texts(metric, 'external', 'metric', 'selector', 'matchLabels')]
        : [],
    ),
    ...(problem === undefined ? {} : { problem }),
    damps: dampsOf(raw),
    tolerance: { up: Number(toleranceOf(raw, 'scaleUp')) / 1000, down: Number(toleranceOf(raw, 'scaleDown')) / 1000 },
  };
}

/** How the HPA controller prints a selector into its messages: long, and told by the object itself. */
const printedSelector = /\/?&LabelSelector\{.*?LabelSelectorRequirement\{.*?\},\}/;

/** An HPA that repeats why we withhold a size has heard us, and holds as it should: no problem. */
function problemOf(raw: unknown): string | undefined {
  for (const condition of list(raw, 'status', 'conditions')) {
    const type = text(condition, 'type');
    const message = text(condition, 'message') ?? '';
    if ((type !== 'ScalingActive' && type !== 'AbleToScale') || text(condition, 'status') !== 'False') continue;
    if (message.includes(withheldPrefix)) continue;
    return `${text(condition, 'reason') ?? type}: ${message.replace(printedSelector, '')}`.slice(0, 240);
  }
  return undefined;
}

/** The follower's own windows and tolerance stand between our decision and the replicas; the recipe sets them to nothing. */
function dampsOf(raw: unknown): readonly string[] {
  const out: string[] = [];
  for (const [direction, usual] of [
    ['scaleUp', 0],
    ['scaleDown', 300],
  ] as const) {
    const rules = object(raw, 'spec', 'behavior', direction);
    const window = number(rules, 'stabilizationWindowSeconds') ?? usual;
    if (window !== 0) out.push(`${direction}.stabilizationWindowSeconds is ${window}`);
    if (toleranceOf(raw, direction) > 0n)
      out.push(`${direction}.tolerance is ${text(rules, 'tolerance') ?? "0.1 (the cluster's default)"}`);
  }
  return out;
}

/** In thousandths. */
function toleranceOf(raw: unknown, direction: 'scaleUp' | 'scaleDown'): bigint {
  return parseMilli(object(raw, 'spec', 'behavior', direction)['tolerance']) ?? 100n;
}

/** Labels as the follower selects them are a part of the labels we publish. */
export function follows(hpa: HpaKept, labels: Readonly<Record<string, string>>): boolean {
  return hpa.ours.some(
    (wanted) => Object.keys(wanted).length > 0 && Object.entries(wanted).every(([key, value]) => labels[key] === value),
  );
}
