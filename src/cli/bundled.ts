import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ForewarmError } from '../errors.ts';

/** The folder of the installation that holds `policies/`, whether it runs from source or compiled. */
function installation(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'policies')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** Files of the policies that come with Forewarm, by name. */
export function bundledPolicies(): Readonly<Record<string, string>> {
  const folder = join(installation(), 'policies');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.yaml'))
        .toSorted()
    : [];
  return Object.fromEntries(files.map((file) => [basename(file, '.yaml'), join(folder, file)]));
}

/** A policy's file: the path given, or one that comes with Forewarm by its name. */
export function policyPath(given: string): string {
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
