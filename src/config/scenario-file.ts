import { readFile } from 'node:fs/promises';
import { Ajv, type ErrorObject } from 'ajv';
import { load } from 'js-yaml';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import type { ScenarioSettings } from '../core/model/simulated-scenario.ts';
import { ForewarmError } from '../errors.ts';
import { faultKinds, scenarioSchema } from './scenario-schema.ts';

const isScenario = new Ajv({ verbose: true, discriminator: true }).compile<ScenarioSettings>(scenarioSchema);

/** Reads a scenario file. Throws FILE_UNREADABLE or CONFIG_INVALID. */
export async function readScenario(path: string): Promise<ScenarioSettings> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `reading scenario ${path}`, { cause });
  });
  const parsed = parseScenario(text);
  if (parsed.ok) return parsed.value;
  throw new ForewarmError('CONFIG_INVALID', `reading scenario ${path}: ${describe(parsed.problem)}`);
}

/** One YAML document; unknown fields are refused. Whether its nodes exist is for the simulator to say: their number may come from elsewhere. */
export function parseScenario(text: string): Result<ScenarioSettings> {
  const read = parseYaml(text);
  if (!read.ok) return read;
  const document = read.value;
  if (!isScenario(document)) return { ok: false, problem: toProblem(isScenario.errors?.[0]) };
  for (const [i, { fromSeconds, toSeconds }] of (document.faults ?? []).entries()) {
    if (toSeconds > fromSeconds) continue;
    return problem(`faults.${i}.toSeconds`, toSeconds, `above \`fromSeconds\` (${fromSeconds})`);
  }
  return ok(document);
}

function parseYaml(text: string): Result<unknown> {
  try {
    return ok(load(text));
  } catch (err) {
    const first = err instanceof Error ? (err.message.split('\n')[0] ?? '') : 'unreadable';
    return problem('(file)', first, 'one YAML document');
  }
}

function toProblem(error: ErrorObject | undefined): Problem {
  if (error === undefined) return { field: '(file)', seen: 'unreadable', allowed: 'a scenario' };
  const path = error.instancePath
    .slice(1)
    .split('/')
    .filter((part) => part !== '');
  const at = (...more: readonly string[]): string => [...path, ...more].join('.') || '(file)';
  switch (error.keyword) {
    case 'required':
      return { field: at(String(error.params['missingProperty'])), seen: 'absent', allowed: 'present' };
    case 'additionalProperties': {
      const known = fieldsOf(error.parentSchema).join(', ');
      return { field: at(String(error.params['additionalProperty'])), seen: 'present', allowed: `one of ${known}` };
    }
    case 'discriminator':
      return { field: at('kind'), seen: String(error.params['tagValue']), allowed: `one of ${faultKinds.join(', ')}` };
    default:
      return { field: at(), seen: JSON.stringify(error.data) ?? 'absent', allowed: allowedBy(error) };
  }
}

function fieldsOf(schema: ErrorObject['parentSchema']): readonly string[] {
  const properties: unknown = schema?.['properties'];
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function allowedBy({ keyword, message = '', params }: ErrorObject): string {
  if (keyword === 'enum') return `one of ${[params['allowedValues']].flat().join(', ')}`;
  return message.replace(/^must (be )?/, '');
}
