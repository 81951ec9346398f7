import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The optional folder of saved pages of real servers beside the repository, or undefined where a machine has none. */
export function expositionsFolder(from: string = import.meta.dirname): string | undefined {
  const candidate = join(from, '..', 'shared', 'data', 'expositions');
  if (existsSync(candidate)) return candidate;
  const parent = dirname(from);
  return parent === from ? undefined : expositionsFolder(parent);
}

/** @throws when the machine has no such folder: ask `expositionsFolder` first. */
export function realPage(name: string): Buffer {
  return readFileSync(join(expositionsFolder() ?? 'no folder of saved pages', name));
}
