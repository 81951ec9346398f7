import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { LearnedMemory } from '../../core/model/memory.ts';
import { type Json, number, text } from './fields.ts';
import { isLearned } from './learned-shape.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Version of the content; grows with LearnedMemory. What another version wrote is not read. */
export const checkpointFormat = 1;
const largestPacked = 64 * 1024;
const largestUnpacked = 1024 * 1024;

/** Base64 of gzip of JSON, at most 64 KiB before base64: where it does not fit the forecast's long memory goes, then half of the demand history, and so on. */
export async function packLearned(learned: LearnedMemory): Promise<string> {
  let kept = learned;
  for (;;) {
    const packed = await pack(JSON.stringify(kept));
    const smaller = packed.length > largestPacked ? lightened(kept) : undefined;
    if (smaller === undefined) return packed.toString('base64');
    kept = smaller;
  }
}

function lightened({ long, ...kept }: LearnedMemory): LearnedMemory | undefined {
  if (long !== undefined) return kept;
  if (kept.demand.length === 0) return undefined;
  return { ...kept, demand: kept.demand.slice(Math.ceil(kept.demand.length / 2)) };
}

/** Undefined when it is not as this version keeps it: then the pool learns anew. */
export async function unpackLearned(spec: Json): Promise<LearnedMemory | undefined> {
  const packed = text(spec, 'learned');
  if (packed === undefined || number(spec, 'formatVersion') !== checkpointFormat) return undefined;
  const json = await unpack(Buffer.from(packed, 'base64'), { maxOutputLength: largestUnpacked });
  const parsed: unknown = JSON.parse(json.toString('utf8'));
  return isLearned(parsed) ? parsed : undefined;
}
