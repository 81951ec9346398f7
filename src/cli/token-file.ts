import { readFile } from 'node:fs/promises';
import { isMissing } from '../agent/files.ts';
import { ForewarmError } from '../errors.ts';

/** The hub's token, read anew for each request: the file behind it may be rotated. */
export async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    const token = (await readFile(file, 'utf8')).trim();
    return token === '' ? undefined : token;
  } catch (err) {
    if (isMissing(err)) return undefined; // an optional secret that is not there: the hub says what it refuses
    throw new ForewarmError('FILE_UNREADABLE', `reading the token file ${file}`, { cause: err });
  }
}
