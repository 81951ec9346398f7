import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { load } from 'js-yaml';
import { profileFromDatasheet } from '../core/model/datasheet-profile.ts';
import type { Datasheet, EngineSettings } from '../core/model/datasheet.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { describe, ok, problem, type Result } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';
import { datasheetFileSchema, profileSchema } from './profile-schema.ts';
import { schemaProblem } from './schema-problem.ts';

interface DatasheetFile extends EngineSettings {
  readonly datasheet: Datasheet;
}

const isProfile = new Ajv({ verbose: true }).compile<EngineProfile>(profileSchema);
const isDatasheet = new Ajv({ verbose: true, useDefaults: true }).compile<DatasheetFile>(datasheetFileSchema);

/** Reads an engine profile: one that comes with Forewarm by its name, or a file by its path. Throws FILE_UNREADABLE or CONFIG_INVALID. */
export async function readProfile(nameOrPath: string): Promise<EngineProfile> {
  const path = await profilePath(nameOrPath);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `reading engine profile ${path}`, { cause });
  });
  const parsed = parseProfile(text);
  if (parsed.ok) return parsed.value;
  throw new ForewarmError('CONFIG_INVALID', `reading engine profile ${path}: ${describe(parsed.problem)}`);
}

/** All profiles that come with Forewarm, by name. */
export async function readBundledProfiles(): Promise<ReadonlyMap<string, EngineProfile>> {
  const profiles = await Promise.all((await bundledNames()).map(readProfile));
  return new Map(profiles.map((profile) => [profile.name, profile]));
}

/** One YAML document with every constant of the form, or with a `datasheet` from which they are estimated; unknown fields are refused. */
export function parseProfile(text: string): Result<EngineProfile> {
  const read = parseYaml(text);
  if (!read.ok) return read;
  const document = read.value;
  const profile = hasDatasheet(document) ? estimated(document) : checked(isProfile, document);
  return profile.ok ? consistent(profile.value) : profile;
}

function hasDatasheet(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'datasheet' in document;
}

function estimated(document: unknown): Result<EngineProfile> {
  const file = checked(isDatasheet, document);
  if (!file.ok) return file;
  const { datasheet, ...settings } = file.value;
  return profileFromDatasheet(settings, datasheet);
}

function checked<T>(isValid: ValidateFunction<T>, document: unknown): Result<T> {
  return isValid(document)
    ? ok(document)
    : { ok: false, problem: schemaProblem(isValid.errors?.[0], 'an engine profile') };
}

function consistent(profile: EngineProfile): Result<EngineProfile> {
  const { maxBatchedTokens, maxNumSeqs, kvCapacityTokens, blockTokens } = profile;
  if (maxBatchedTokens < maxNumSeqs) {
    return problem('maxBatchedTokens', maxBatchedTokens, `at least \`maxNumSeqs\` (${maxNumSeqs})`);
  }
  if (kvCapacityTokens < blockTokens) {
    return problem('kvCapacityTokens', kvCapacityTokens, `at least \`blockTokens\` (${blockTokens})`);
  }
  if (profile.alpha + profile.w + profile.beta === 0) {
    return problem('alpha', 0, 'above 0 where `w` and `beta` are 0: an iteration takes time');
  }
  return ok(profile);
}

async function profilePath(nameOrPath: string): Promise<string> {
  if (nameOrPath !== basename(nameOrPath) || existsSync(nameOrPath)) return nameOrPath;
  const names = await bundledNames();
  const name = basename(nameOrPath, '.yaml');
  if (names.includes(name)) return join(profilesFolder(), `${name}.yaml`);
  throw new ForewarmError(
    'FILE_UNREADABLE',
    `engine profile must be a file or one of ${names.join(', ')}, was '${nameOrPath}'`,
  );
}

async function bundledNames(): Promise<readonly string[]> {
  const folder = profilesFolder();
  const files = existsSync(folder) ? await readdir(folder) : [];
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .toSorted();
}

/** Beside `src` in a checkout, one level further up when compiled. */
function profilesFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'profiles')) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, 'profiles');
}

function parseYaml(text: string): Result<unknown> {
  try {
    return ok(load(text));
  } catch (err) {
    const first = err instanceof Error ? (err.message.split('\n')[0] ?? '') : 'unreadable';
    return problem('(file)', first, 'one YAML document');
  }
}
