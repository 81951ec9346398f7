import { readFile } from 'node:fs/promises';
import { Ajv, type ErrorObject } from 'ajv';
import { load } from 'js-yaml';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import type { ScenarioSettings } from '../core/model/simulated-scenario.ts';
import { ForewarmError } from '../errors.ts';
import { faultKinds, scenarioSchema } from './scenario-schema.ts';
import { fieldAt, schemaProblem } from './schema-problem.ts';

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
  if (error?.keyword !== 'discriminator') return schemaProblem(error, 'a scenario');
  return {
    field: fieldAt(error, 'kind'),
    seen: String(error.params['tagValue']),
    allowed: `one of ${faultKinds.join(', ')}`,
  };
}
