import type {
  DemandBin,
  GatewayBaseline,
  LearnedMemory,
  LongForecast,
  ReplicaBaseline,
  Sketch,
} from '../../core/model/memory.ts';
import { isJson } from './fields.ts';

type Check = (value: unknown) => boolean;
/** One check a field: a field that is added to the type or taken from it does not compile until this page says how it looks. */
type Shape<T> = { readonly [Field in keyof Required<T>]: Check };

const amount: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const name: Check = (value) => typeof value === 'string';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const mapOf =
  (check: Check): Check =>
  (value) =>
    isJson(value) && Object.values(value).every(check);

/** All fields as they must be, and no other: a field that we do not know was written by a program that means something else. */
function fits<T>(shape: Shape<T>): Check {
  const checks: readonly (readonly [string, Check])[] = Object.entries(shape);
  const known = new Set(checks.map(([field]) => field));
  return (value) =>
    isJson(value) &&
    checks.every(([field, check]) => check(value[field])) &&
    Object.keys(value).every((field) => known.has(field));
}

const baseline = fits<ReplicaBaseline>({ at: amount, counts: mapOf(amount), stuckSince: maybe(amount) });
const bin = fits<DemandBin>({
  at: amount,
  requestsPerSecond: amount,
  promptTokensPerSecond: amount,
  outputTokensPerSecond: amount,
  waitingPerSecond: maybe(amount),
});
const sketch = fits<Sketch>({ weights: listOf(amount), total: amount, count: amount, referenceAt: amount });
const warmths = fits<LearnedMemory['leadTime']['total']>({ warm: sketch, cold: sketch });

/** Numbers in lists and objects, however deep: what they mean its own format says. */
const figures: Check = (value) => {
  if (typeof value === 'boolean' || amount(value)) return true;
  if (Array.isArray(value)) return value.every(figures);
  return isJson(value) && Object.values(value).every(figures);
};
const long = fits<LongForecast>({
  format: amount,
  quantile: amount,
  open: fits<LongForecast['open']>({ minute: amount, seconds: amount, work: amount }),
  state: figures,
});

const fields: Omit<Shape<LearnedMemory>, 'decode'> = {
  baselines: mapOf(baseline),
  demand: listOf(bin),
  long: maybe(long),
  gateway: maybe(fits<GatewayBaseline>({ at: amount, requestsTotal: maybe(amount), queued: maybe(amount) })),
  pending: listOf(fits<LearnedMemory['pending'][number]>({ at: amount, due: amount, level: amount, upper: amount })),
  skill: fits<LearnedMemory['skill']>({ judged: amount, covered: amount }),
  leadTime: fits<LearnedMemory['leadTime']>({
    schedule: warmths,
    image: warmths,
    weights: warmths,
    engine: warmths,
    total: warmths,
  }),
  counted: listOf(name),
  curve: listOf(fits<LearnedMemory['curve'][number]>({ inFlight: amount, throughput: amount, weight: amount })),
  kvPerRequest: maybe(amount),
  queue: maybe(fits<NonNullable<LearnedMemory['queue']>>({ since: amount, size: amount, throughput: maybe(amount) })),
  ceiling: maybe(fits<NonNullable<LearnedMemory['ceiling']>>({ share: amount, at: amount })),
  saturation: maybe(fits<NonNullable<LearnedMemory['saturation']>>({ inFlight: amount, at: amount })),
  correction: fits<LearnedMemory['correction']>({ factor: amount, weight: amount }),
  pooling: maybe(
    fits<NonNullable<LearnedMemory['pooling']>>({ requests: amount, waited: amount, serviced: amount, busied: amount }),
  ),
  mix: fits<LearnedMemory['mix']>({
    promptTokens: amount,
    cachedShare: amount,
    outputTokens: amount,
    weight: amount,
    outputWeight: amount,
    generated: maybe(amount),
  }),
};
/** The half of a pool with separate prefill and decode. */
const decode = fits<Omit<LearnedMemory, 'decode'>>(fields);
const learned = fits<LearnedMemory>({ ...fields, decode: maybe(decode) });

/** Whether this is learned memory as this version of the program keeps it. */
export function isLearned(value: unknown): value is LearnedMemory {
  return learned(value);
}
