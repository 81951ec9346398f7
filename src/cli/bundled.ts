import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readPolicyFile, readPolicyVariant } from '../config/policy-file.ts';
import type { PolicyDefinition } from '../core/model/policy-definition.ts';
import { ForewarmError } from '../errors.ts';

/** The folder of the installation that holds `policies/`, whether it runs from source or compiled. */
function installation(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'policies')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** Files of the policies that come with Forewarm, by name. */
export function bundledPolicies(): Readonly<Record<string, string>> {
  return policiesIn(join(installation(), 'policies'));
}

/** Files of tuned variants, by the policy that was tuned. */
export function tunedPolicies(): Readonly<Record<string, string>> {
  return policiesIn(join(installation(), 'policies', 'tuned'));
}

function policiesIn(folder: string): Readonly<Record<string, string>> {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : [];
  return Object.fromEntries(files.toSorted().map((file) => [basename(file, '.yaml'), join(folder, file)]));
}

/** `policy@workload`: a policy as it was tuned for a workload. */
export function variantName(policy: string, workload: string): string {
  return `${policy}@${workload}`;
}

/** The two parts of a variant's name; undefined of any other. */
export function variantOf(name: string): { readonly policy: string; readonly workload: string } | undefined {
  const [policy = '', workload] = name.split('@');
  return workload === undefined ? undefined : { policy, workload };
}

/** Reads a policy: the file given, one that comes with Forewarm by its name, or a variant tuned for a workload as `policy@workload`. */
export async function readPolicy(given: string): Promise<PolicyDefinition> {
  const variant = variantOf(given);
  if (variant === undefined || existsSync(given)) return readPolicyFile(policyPath(given));
  const path = tunedPolicies()[variant.policy];
  if (path !== undefined) return readPolicyVariant(path, given);
  const names = Object.keys(tunedPolicies()).join(', ');
  throw new ForewarmError(
    'FILE_UNREADABLE',
    `--policy POLICY@WORKLOAD must name a tuned policy of ${names}, was '${given}'`,
  );
}

/** A policy's file: the path given, or one that comes with Forewarm by its name. */
function policyPath(given: string): string {
  if (existsSync(given)) return given;
  const bundled = bundledPolicies();
  const path = bundled[basename(given, '.yaml')];
  const isName = given === basename(given);
  if (isName && path !== undefined) return path;
  const names = Object.keys(bundled).join(', ');
  throw new ForewarmError(
    'FILE_UNREADABLE',
    `--policy must name a file or one of ${names}, oracle, reactive-oracle, exec:COMMAND, was '${given}'`,
  );
}
