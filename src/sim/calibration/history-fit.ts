import type { EngineProfile } from '../../core/model/profile.ts';
import { fitConstants, type FitOptions, huber } from './fit.ts';
import type { HistoryRow } from './history.ts';
import { medianOf } from './measured-run.ts';
import { minimise } from './simplex.ts';

export interface HistoryFit {
  readonly profile: EngineProfile;
  readonly looks: number;
  /** False: the load was too even to tell the constants apart, so all of the base profile's were scaled by one factor and alpha fitted. */
  readonly isSpread: boolean;
}

const minRows = 10;
const minKvSpread = 0.3;

/** Fits the time of an iteration to what engines did by the minute; then tau0 to what is left of the time to the first token at low load. */
export function fitHistory(rows: readonly HistoryRow[], options: FitOptions): HistoryFit {
  const uses = rows.map(({ kvUse }) => kvUse);
  const isSpread = rows.length >= minRows && Math.max(...uses) - Math.min(...uses) >= minKvSpread;
  const cost = (profile: EngineProfile): number =>
    rows.reduce((sum, row) => sum + huber(Math.log(itlOf(profile, row) / row.itl)), 0) / rows.length;
  const free = options.free.filter((name) => name !== 'tau0' && name !== 'gq' && name !== 'kappa');
  const fit = isSpread ? fitConstants(cost, { ...options, free }) : fitScale(cost, options.base);
  const profile = options.free.includes('tau0') ? withTau0(fit.profile, rows) : fit.profile;
  return { profile, looks: fit.looks, isSpread };
}

/** Time of the mean iteration: whether it computes a prompt too depends on how many come in while it lasts. */
export function itlOf(profile: EngineProfile, row: HistoryRow): number {
  const { alpha, gamma, delta, kvCapacityTokens } = profile;
  const fixed = alpha + delta * row.running + gamma * row.kvUse * kvCapacityTokens;
  let itl = row.itl;
  for (let i = 0; i < 20; i++) itl = fixed + meanKnee(profile, row, itl);
  return itl;
}

/** Prompts come whole, or as many tokens at once as the engine takes: few long iterations among many short ones. */
function meanKnee(profile: EngineProfile, { running, prefillRate, promptTokens }: HistoryRow, itl: number): number {
  const incoming = (prefillRate * itl) / 1000;
  const chunk = Math.min(promptTokens ?? incoming, profile.maxBatchedTokens);
  if (chunk <= 0) return kneeOf(profile, running);
  const share = Math.min(1, incoming / chunk);
  const tokens = Math.max(chunk, incoming);
  return share * kneeOf(profile, running + tokens) + (1 - share) * kneeOf(profile, running);
}

function kneeOf({ w, beta }: EngineProfile, tokens: number): number {
  return Math.cbrt(w ** 3 + (beta * tokens) ** 3);
}

function fitScale(
  costOf: (profile: EngineProfile) => number,
  base: EngineProfile,
): { readonly profile: EngineProfile; readonly looks: number } {
  const scaled = ([k = 0, alpha = 0]: readonly number[]): EngineProfile => {
    const times = (value: number): number => Number((value * Math.exp(k)).toPrecision(5));
    const { w, beta, gamma, delta } = base;
    const own = Number((base.alpha * Math.exp(alpha)).toPrecision(5));
    return { ...base, alpha: own, w: times(w), beta: times(beta), gamma: times(gamma), delta: times(delta) };
  };
  const options = { step: 0.3, maxLooks: 200, tolerance: 1e-4 };
  const found = minimise((point) => costOf(scaled(point)), [0, 0], options);
  return { profile: scaled(found.at), looks: found.looks };
}

/** Where nothing queues: a request waits for half an iteration, then its prompt is computed beside the others. Undefined: the row cannot tell. */
export function ttftOf(profile: EngineProfile, row: HistoryRow): number | undefined {
  if (row.waiting >= 0.5 || row.ttftMean === undefined || row.promptTokens === undefined) return undefined;
  return profile.tau0 + itlOf(profile, row) / 2 + prefillOf(profile, row);
}

/** From the quieter half of the rows. */
function withTau0(profile: EngineProfile, rows: readonly HistoryRow[]): EngineProfile {
  const none = { ...profile, tau0: 0 };
  const left = rows
    .toSorted((a, b) => a.running - b.running)
    .slice(0, Math.ceil(rows.length / 2))
    .flatMap((row) => {
      const rest = ttftOf(none, row);
      return rest === undefined ? [] : [(row.ttftMean ?? 0) - rest];
    });
  if (left.length === 0) return profile;
  return { ...profile, tau0: Number(Math.max(0, medianOf(left)).toPrecision(4)) };
}

function prefillOf(profile: EngineProfile, row: HistoryRow): number {
  const prompt = Math.min(row.promptTokens ?? 0, profile.maxBatchedTokens);
  const knee = kneeOf(profile, row.running + prompt);
  const context = profile.gamma * row.kvUse * profile.kvCapacityTokens;
  return profile.alpha + knee + profile.delta * (row.running + 1) + context;
}
