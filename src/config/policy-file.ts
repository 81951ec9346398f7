import { readFile } from 'node:fs/promises';
import { Ajv, type ErrorObject } from 'ajv';
import { load, loadAll } from 'js-yaml';
import type { Behavior, Tunables } from '../core/model/policy.ts';
import type { PolicyDefinition, SimulatedAlgorithm } from '../core/model/policy-definition.ts';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';
import { algorithmNames, scalingPolicySchema, simulatedPolicySchema } from './policy-schema.ts';

/** The spec of a ScalingPolicy object: API style, whole numbers with their unit in the name. */
export interface ScalingPolicySpec {
  readonly tickSeconds: number;
  readonly provisioningQuantilePercent: number;
  readonly recoverySeconds?: number;
  readonly initialLeadTimeColdSeconds: number;
  readonly initialLeadTimeWarmSeconds: number;
  readonly paybackSeconds: number;
  readonly kvHighPercent: number;
  readonly targetUtilizationPercent: number;
  readonly consolidationUtilizationPercent: number;
  readonly behavior?: Behavior;
}

interface Named<Kind extends string, Spec> {
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
  readonly spec: Spec;
}

const ajv = new Ajv({ useDefaults: true, verbose: true, discriminator: true });
const isScalingPolicy = ajv.compile<Named<'ScalingPolicy', ScalingPolicySpec>>(scalingPolicySchema);
const isSimulatedPolicy = ajv.compile<Named<'SimulatedPolicy', SimulatedAlgorithm>>(simulatedPolicySchema);

/** Reads a policy file. Throws FILE_UNREADABLE or POLICY_INVALID, which names the file, the field, what stood there and what may. */
export async function readPolicyFile(path: string): Promise<PolicyDefinition> {
  const text = await textOf(path);
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new ForewarmError('POLICY_INVALID', `reading policy ${path}: ${describe(parsed.problem)}`);
  return parsed.value;
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `reading policy ${path}`, { cause });
  });
}

/** Reads all documents of a file: tuned variants are kept so. Throws as `readPolicyFile`, and says which document. */
export async function readPolicyVariants(path: string): Promise<readonly PolicyDefinition[]> {
  const documents = parseDocuments(await textOf(path));
  if (!documents.ok)
    throw new ForewarmError('POLICY_INVALID', `reading policy ${path}: ${describe(documents.problem)}`);
  return documents.value.map((document, i) => {
    const parsed = parsePolicyObject(document);
    if (parsed.ok) return parsed.value;
    throw new ForewarmError('POLICY_INVALID', `reading policy ${path}, document ${i + 1}: ${describe(parsed.problem)}`);
  });
}

/** One of them by its name. */
export async function readPolicyVariant(path: string, name: string): Promise<PolicyDefinition> {
  const variants = await readPolicyVariants(path);
  const variant = variants.find((one) => one.name === name);
  if (variant !== undefined) return variant;
  const names = variants.map((one) => one.name).join(', ');
  throw new ForewarmError('POLICY_INVALID', `reading policy ${path}: must be one of ${names}, was '${name}'`);
}

/** One YAML document of kind ScalingPolicy or SimulatedPolicy; unknown fields are refused, absent tunables take the defaults of `balanced`. */
export function parsePolicy(text: string): Result<PolicyDefinition> {
  const read = parseYaml(text);
  return read.ok ? parsePolicyObject(read.value) : read;
}

/** The same for an object that was already read, as from the API server. Absent tunables are filled into it. */
export function parsePolicyObject(document: unknown): Result<PolicyDefinition> {
  if (isRecord(document) && document['kind'] === 'ScalingPolicy') {
    if (!isScalingPolicy(document)) return refused(isScalingPolicy.errors);
    return contradiction(document.spec) ?? ok(fromScalingPolicy(document));
  }
  if (isRecord(document) && document['kind'] === 'SimulatedPolicy') {
    if (!isSimulatedPolicy(document)) return refused(isSimulatedPolicy.errors);
    return ok({ kind: 'SimulatedPolicy', name: document.metadata.name, ...document.spec });
  }
  return problem('kind', isRecord(document) ? document['kind'] : document, "'ScalingPolicy' or 'SimulatedPolicy'");
}

function contradiction({
  initialLeadTimeWarmSeconds: warm,
  initialLeadTimeColdSeconds: cold,
}: ScalingPolicySpec): Result<PolicyDefinition> | undefined {
  if (warm <= cold) return undefined;
  return problem('spec.initialLeadTimeWarmSeconds', warm, `at most \`initialLeadTimeColdSeconds\` (${cold})`);
}

/** The tunables that a spec stands for: percent become shares. */
export function toTunables(spec: ScalingPolicySpec): Tunables {
  return {
    tickSeconds: spec.tickSeconds,
    provisioningQuantile: spec.provisioningQuantilePercent / 100,
    ...(spec.recoverySeconds === undefined ? {} : { recoverySeconds: spec.recoverySeconds }),
    initialLeadTimeColdSeconds: spec.initialLeadTimeColdSeconds,
    initialLeadTimeWarmSeconds: spec.initialLeadTimeWarmSeconds,
    paybackSeconds: spec.paybackSeconds,
    kvHighRatio: spec.kvHighPercent / 100,
    targetUtilization: spec.targetUtilizationPercent / 100,
    consolidationUtilization: spec.consolidationUtilizationPercent / 100,
  };
}

function fromScalingPolicy({ metadata, spec }: Named<'ScalingPolicy', ScalingPolicySpec>): PolicyDefinition {
  const { behavior } = spec;
  return {
    kind: 'ScalingPolicy',
    name: metadata.name,
    tunables: toTunables(spec),
    ...(behavior === undefined ? {} : { behavior }),
  };
}

function parseYaml(text: string): Result<unknown> {
  return parsedBy(load, text, 'one YAML document');
}

function parseDocuments(text: string): Result<readonly unknown[]> {
  return parsedBy((all): readonly unknown[] => loadAll(all), text, 'YAML documents');
}

function parsedBy<T>(parse: (text: string) => T, text: string, allowed: string): Result<T> {
  try {
    return ok(parse(text));
  } catch (err) {
    const first = err instanceof Error ? (err.message.split('\n')[0] ?? '') : 'unreadable';
    return problem('(file)', first, allowed);
  }
}

function refused(errors: readonly ErrorObject[] | null | undefined): Result<PolicyDefinition> {
  const first = errors?.[0];
  return { ok: false, problem: first === undefined ? { field: '', seen: '', allowed: '' } : toProblem(first) };
}

function toProblem(error: ErrorObject): Problem {
  const at = error.instancePath
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
    .slice(1);
  const under = (name: unknown): string => (at === '' ? String(name) : `${at}.${String(name)}`);
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys(isRecord(error.parentSchema?.['properties']) ? error.parentSchema['properties'] : {});
    return { field: under(error.params['additionalProperty']), seen: 'present', allowed: `one of ${known.join(', ')}` };
  }
  if (error.keyword === 'required') {
    return { field: under(error.params['missingProperty']), seen: 'absent', allowed: 'present' };
  }
  return { field: at, seen: JSON.stringify(error.data) ?? 'absent', allowed: allowedBy(error) };
}

function allowedBy({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum' && Array.isArray(params['allowedValues']))
    return `one of ${params['allowedValues'].join(', ')}`;
  if (keyword === 'const') return JSON.stringify(params['allowedValue']);
  if (keyword === 'minimum') return `at least ${String(params['limit'])}`;
  if (keyword === 'maximum') return `at most ${String(params['limit'])}`;
  if (keyword === 'type') return `of type ${String(params['type'])}`;
  if (keyword === 'discriminator') return `one of ${algorithmNames.join(', ')}`;
  return (message ?? 'valid').replace(/^must (be )?/, '');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
