import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file or folder of measured data kept beside the repository; undefined where nobody put it. */
export function sharedData(path: string): string | undefined {
  for (let from = import.meta.dirname; from !== dirname(from); from = dirname(from)) {
    const candidate = join(from, '..', 'shared', 'data', path);
    if (existsSync(candidate)) return candidate;
  }
  return undefined;
}
