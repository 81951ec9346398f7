import { basename } from 'node:path';
import { readPolicyFile } from '../config/policy-file.ts';
import { readProfile } from '../config/profile-file.ts';
import { readTrace } from '../config/trace-file.ts';
import type { PolicyDefinition } from '../core/model/policy-definition.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { ForewarmError } from '../errors.ts';
import { AzureTraceParser } from '../sim/workload/azure.ts';
import { dayWorkload } from '../sim/workload/day.ts';
import { scaleRate, slice } from '../sim/workload/scale.ts';
import type { Workload } from '../sim/workload/workload.ts';
import { policyPath } from './bundled.ts';
import type { Slice } from './flags.ts';

/** Where requests come from: a trace file, else the bundled day. */
export interface LoadSource {
  readonly trace?: string | undefined;
  readonly slice?: Slice | undefined;
  readonly rateScale: number;
}

export interface Load {
  /** The trace whole, before the slice was taken: where the busiest part is looked for. */
  readonly whole: Workload;
  readonly workload: Workload;
}

/** The load of each seed: copies of a scaled trace move by the seed, the bundled day is drawn from it. A trace is read once. */
export async function loadsOf(source: LoadSource, seeds: readonly number[]): Promise<readonly Load[]> {
  const { trace } = source;
  const file = trace === undefined ? undefined : await readTrace(trace, new AzureTraceParser(basename(trace)));
  return seeds.map((seed) => {
    const whole = file ?? dayWorkload({ seed });
    const part = source.slice === undefined ? whole : sliced(whole, source.slice);
    return { whole, workload: scaleRate(part, source.rateScale, seed) };
  });
}

function sliced(workload: Workload, { from, to }: Slice): Workload {
  if (from >= workload.durationSeconds) {
    const end = Math.ceil(workload.durationSeconds);
    throw new ForewarmError('USAGE', `--slice must begin before the end of ${workload.name} (${end} s), was ${from}`);
  }
  return slice(workload, from, to);
}

export interface NamedPolicy {
  readonly label: string;
  readonly definition: PolicyDefinition;
}

/** Each policy with a name of its own: where two files carry the same name, the file's is added. */
export async function policiesOf(given: readonly string[]): Promise<readonly NamedPolicy[]> {
  const read = await Promise.all(
    given.map(async (path) => ({ path, definition: await readPolicyFile(policyPath(path)) })),
  );
  return read.map(({ path, definition }) => {
    const isShared = read.filter((other) => other.definition.name === definition.name).length > 1;
    return { definition, label: isShared ? `${definition.name} (${basename(path)})` : definition.name };
  });
}

export async function profileOf(nameOrPath: string): Promise<EngineProfile> {
  return readProfile(nameOrPath);
}
