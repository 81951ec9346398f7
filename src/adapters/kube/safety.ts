import type { SafetyMemory, TargetSafety } from '../../core/model/memory.ts';
import type { SpecChange } from '../../core/model/pool.ts';
import { type Instant, instant, replicas } from '../../core/model/units.ts';
import { isJson, type Json, list, number, object } from './fields.ts';
import { safetyFormat } from './status.ts';

/** One reader a field: a field that is added to the type does not compile until this page says how it is read back. */
type Readers<T> = { readonly [Field in keyof Required<T>]: (raw: Json) => T[Field] };

const targetReaders: Readers<TargetSafety> = {
  raw: (raw) => list(raw, 'raw').flatMap(sized),
  specChanges: (raw) => list(raw, 'specChanges').flatMap(specChange),
  lastDecision: (raw) => sized(raw['lastDecision'])[0],
  blindSince: (raw) => moment(raw['blindSince']),
  conflictSince: (raw) => moment(raw['conflictSince']),
  foreignWrites: (raw) => {
    const writes = list(raw, 'foreignWrites').flatMap((one) => moment(one) ?? []);
    return writes.length === 0 ? undefined : writes;
  },
  unseenWrites: (raw) => {
    const writes = list(raw, 'unseenWrites').flatMap(sized);
    return writes.length === 0 ? undefined : writes;
  },
  draining: (raw) => sized(raw['draining'])[0],
  zeroedAt: (raw) => moment(raw['zeroedAt']),
};

/**
 * Reads the safety memory back from `status.safety`. A field that is not what we wrote is dropped, never repaired; another format is no memory.
 * Losing it is safe: windows begin anew.
 */
export function parseSafety(status: unknown): SafetyMemory | undefined {
  const stored = object(status, 'safety');
  const since = moment(object(stored, 'memory')['since']);
  if (stored['formatVersion'] !== safetyFormat || since === undefined) return undefined;
  const readers: Readers<SafetyMemory> = {
    since: () => since,
    targets: (memory) => targetsOf(object(memory, 'targets')),
  };
  return readBy(readers, object(stored, 'memory'));
}

function targetsOf(raw: Json): SafetyMemory['targets'] {
  const known = Object.entries(raw).flatMap(([name, one]) => (isJson(one) ? [[name, one] as const] : []));
  return Object.fromEntries(known.map(([name, one]) => [name, readBy(targetReaders, one)]));
}

/** What cannot be read of an optional field is absent; a reader of a required one always answers. */
function readBy<T>(readers: Readers<T>, raw: Json): T {
  const all: readonly (readonly [string, (raw: Json) => unknown])[] = Object.entries(readers);
  const read = all.map(([field, reader]) => [field, reader(raw)] as const);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as T;
}

function sized(raw: unknown): TargetSafety['raw'] {
  const at = moment(number(raw, 'at'));
  const wanted = count(number(raw, 'replicas'));
  return at === undefined || wanted === undefined ? [] : [{ at, replicas: wanted }];
}

function specChange(raw: unknown): readonly SpecChange[] {
  const [at, from, to] = [moment(number(raw, 'at')), count(number(raw, 'from')), count(number(raw, 'to'))];
  return at === undefined || from === undefined || to === undefined ? [] : [{ at, from, to }];
}

function moment(value: unknown): Instant | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? instant(value) : undefined;
}

function count(value: unknown): ReturnType<typeof replicas> | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 2_147_483_647
    ? replicas(value)
    : undefined;
}
