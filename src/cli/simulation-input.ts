import { basename } from 'node:path';
import { readProfile } from '../config/profile-file.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { ForewarmError } from '../errors.ts';
import type { WorkloadSource } from '../sim/workload/source.ts';
import type { Workload } from '../sim/workload/workload.ts';
import { readPolicy } from './bundled.ts';
import { execPrefix, type Slice } from './flags.ts';
import type { OracleDefinition, RunDefinition } from './simulation-job.ts';
import { type SourceFlags, sourceOf } from './workload-source.ts';

/** Where requests come from, and which of them are wanted. */
export interface LoadFlags extends SourceFlags {
  readonly slice?: Slice | undefined;
  readonly rateScale: number;
  readonly timeScale: number;
}

export interface Load {
  /** The source's name. */
  readonly name: string;
  /** Where only a part was taken: the source whole, to look for the busiest part in. Thinned where it is long. */
  readonly whole?: Workload;
  readonly workload: Workload;
  /** How the source was read, where that is not plain. */
  readonly notes: readonly string[];
}

/** The load of each seed: copies of a scaled trace move by the seed, whatever is drawn is drawn from it. A trace is read once. */
export async function loadsOf(flags: LoadFlags, seeds: readonly number[]): Promise<readonly Load[]> {
  const source = await sourceOf(flags);
  const { rateScale, timeScale } = flags;
  const { from, to } = sliceOf(source, flags.slice);
  const isPart = from > 0 || to < source.durationSeconds;
  return seeds.map((seed) => {
    const workload = source.draw({ seed, from, to, rateScale, timeScale });
    const whole = isPart ? { whole: source.outline(seed) } : {};
    return { name: source.name, workload, notes: source.notes, ...whole };
  });
}

function sliceOf({ name, durationSeconds }: WorkloadSource, slice: Slice | undefined): Slice {
  const { from, to } = slice ?? { from: 0, to: durationSeconds };
  if (from < durationSeconds) return { from, to };
  const end = Math.ceil(durationSeconds);
  throw new ForewarmError('USAGE', `--slice must begin before the end of ${name} (${end} s), was ${from}`);
}

export interface NamedPolicy {
  readonly label: string;
  readonly definition: RunDefinition;
}

interface GivenPolicy {
  readonly name: string;
  /** What tells it from another of the same name. */
  readonly apart: string;
  readonly definition: RunDefinition;
}

/** Each policy with a name of its own: where two have the same name, the file's or the whole command is added. One given twice is refused. */
export async function policiesOf(given: readonly string[], timeoutSeconds = 30): Promise<readonly NamedPolicy[]> {
  const twice = given.find((one, at) => given.indexOf(one) < at);
  if (twice !== undefined)
    throw new ForewarmError('USAGE', `--policy must name each policy once, was '${twice}' twice`);
  const read = await Promise.all(given.map(async (one) => givenPolicy(one, timeoutSeconds)));
  return read.map(({ name, apart, definition }) => {
    const isShared = read.filter((other) => other.name === name).length > 1;
    return { definition, label: isShared ? `${name} (${apart})` : name };
  });
}

const oracles: Readonly<Record<string, OracleDefinition>> = {
  oracle: { kind: 'Oracle', knows: 'Arrivals' },
  'reactive-oracle': { kind: 'Oracle', knows: 'TrueSize' },
};

async function givenPolicy(given: string, timeoutSeconds: number): Promise<GivenPolicy> {
  const oracle = oracles[given];
  if (oracle !== undefined) return { name: given, apart: 'not realisable', definition: oracle };
  if (!given.startsWith(execPrefix)) {
    const definition = await readPolicy(given);
    return { name: definition.name, apart: basename(given), definition };
  }
  const command = given.slice(execPrefix.length).trim();
  /** Folders are left out of the name. */
  const name = `${execPrefix}${command.replaceAll(/[^\s'"]*\//g, '')}`;
  return { name, apart: command, definition: { kind: 'ExternalPolicy', command, timeoutSeconds } };
}

export async function profileOf(nameOrPath: string): Promise<EngineProfile> {
  return readProfile(nameOrPath);
}
