import type { EngineTable, SignalSource } from '../../core/model/engines/table.ts';
import type { ReplicaAddress } from '../../ports/replica-reader.ts';

/** How series name the pod they come from. */
export interface PodLabels {
  readonly namespace: string;
  readonly pod: string;
}

/** Families that are asked for together: those between which one signal chooses. */
export interface FamilyGroup {
  /** The signals that need it, for messages. */
  readonly name: string;
  readonly families: readonly string[];
}

/** Pods of one namespace, few enough for one query. */
export interface PodGroup {
  readonly namespace: string;
  readonly replicas: readonly ReplicaAddress[];
}

const podsPerQuery = 500;

/** One group a signal; groups that share a family are one. */
export function familyGroups(tables: readonly EngineTable[]): readonly FamilyGroup[] {
  const groups: FamilyGroup[] = [];
  for (const [name, sources] of tables.flatMap(needs)) {
    const families = sources.map((source) => source.family);
    if (families.length === 0) continue;
    const touched = groups.filter((group) => group.families.some((family) => families.includes(family)));
    for (const group of touched) groups.splice(groups.indexOf(group), 1);
    groups.push({
      name: [...touched.map((group) => group.name), name].join(', '),
      families: [...new Set([...touched.flatMap((group) => group.families), ...families])].sort(),
    });
  }
  return groups;
}

function needs({ signals, rest }: EngineTable): readonly (readonly [string, readonly SignalSource[]])[] {
  const ofSignals = Object.entries(signals).map(([name, rule]) => [name, rule.sources] as const);
  if (rest === undefined) return ofSignals;
  return [...ofSignals, ['asleep', rest.asleep], ['paused', [...rest.paused, ...rest.resumed]]];
}

export function podGroups(replicas: readonly ReplicaAddress[]): readonly PodGroup[] {
  const byNamespace = Map.groupBy(replicas, (replica) => replica.namespace);
  return [...byNamespace].flatMap(([namespace, all]) =>
    Array.from({ length: Math.ceil(all.length / podsPerQuery) }, (_, chunk) => ({
      namespace,
      replicas: all.slice(chunk * podsPerQuery, (chunk + 1) * podsPerQuery),
    })),
  );
}

/** `{__name__=~"a|b",namespace="team-a",pod=~"chat-1|chat-2"}` */
export function familyQuery({ families }: FamilyGroup, pods: PodGroup, labels: PodLabels): string {
  return `{__name__=~${anyOf(families)},${podMatchers(pods, labels)}}`;
}

/**
 * Seconds since the pods were last scraped, by the server's clock: an instant query alone dates every value with its own time. Names drop out, so
 * the families are joined with `or`, which keeps one of two equal label sets.
 */
export function ageQuery(tables: readonly EngineTable[], pods: PodGroup, labels: PodLabels): string {
  const families = [...new Set(tables.flatMap((table) => table.signature))];
  const times = families.map((name) => `timestamp({__name__=${JSON.stringify(name)},${podMatchers(pods, labels)}})`);
  return `time() - (${times.join(' or ')})`;
}

function podMatchers({ namespace, replicas }: PodGroup, labels: PodLabels): string {
  const pods = [...new Set(replicas.map((replica) => replica.pod))];
  return `${labels.namespace}=${JSON.stringify(namespace)},${labels.pod}=~${anyOf(pods)}`;
}

/** An anchored alternative in PromQL's RE2, inside a PromQL string. */
export function anyOf(names: readonly string[]): string {
  return JSON.stringify(names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|'));
}
