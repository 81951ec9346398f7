import type { SafetyMemory, TargetSafety } from '../../core/model/memory.ts';
import type { SpecChange } from '../../core/model/pool.ts';
import { type Instant, instant, replicas } from '../../core/model/units.ts';
import { isJson, type Json, list, number, object } from './fields.ts';
import { safetyFormat } from './status.ts';

/**
 * Reads the safety memory back from `status.safety`. A field that is not what we wrote is dropped, never repaired; another format is no memory.
 * Losing it is safe: windows begin anew.
 */
export function parseSafety(status: unknown): SafetyMemory | undefined {
  const stored = object(status, 'safety');
  const since = moment(object(stored, 'memory')['since']);
  if (stored['formatVersion'] !== safetyFormat || since === undefined) return undefined;
  const targets: Record<string, TargetSafety> = {};
  for (const [name, one] of Object.entries(object(stored, 'memory', 'targets')))
    if (isJson(one)) targets[name] = targetSafety(one);
  return { since, targets };
}

function targetSafety(raw: Json): TargetSafety {
  const last = object(raw, 'lastDecision');
  const lastAt = moment(last['at']);
  const lastReplicas = count(last['replicas']);
  return {
    raw: list(raw, 'raw').flatMap(rawRecommendation),
    specChanges: list(raw, 'specChanges').flatMap(specChange),
    ...(lastAt === undefined || lastReplicas === undefined
      ? {}
      : { lastDecision: { at: lastAt, replicas: lastReplicas } }),
    ...marks(raw),
  };
}

function marks(raw: Json): Pick<TargetSafety, 'blindSince' | 'conflictSince' | 'zeroedAt'> {
  const [blindSince, conflictSince, zeroedAt] = [
    moment(raw['blindSince']),
    moment(raw['conflictSince']),
    moment(raw['zeroedAt']),
  ];
  return {
    ...(blindSince === undefined ? {} : { blindSince }),
    ...(conflictSince === undefined ? {} : { conflictSince }),
    ...(zeroedAt === undefined ? {} : { zeroedAt }),
  };
}

function rawRecommendation(raw: unknown): TargetSafety['raw'] {
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
