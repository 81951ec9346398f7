import { needOf, type NeedInput } from '../decision/need.ts';
import { figure, needInputAt, type Sizing, type SizingInput } from '../decision/sizing.ts';

const doublings = 14;
const halvings = 12;

/** The nearest queue and the nearest demand that would raise the answer: "would scale to 5 at queue >= 12 or 41 req/s". */
export function counterfactualOf(input: SizingInput, sizing: Sizing): string | undefined {
  const base = needInputAt(input, sizing.leadSeconds);
  const size = Math.max(sizing.wanted, sizing.need.replicas);
  const needAt = (changed: NeedInput): number => Math.ceil(needOf(changed).replicas * input.share);
  const queueNow = base.stock.waiting + base.stock.queued;
  const withQueue = (queue: number): NeedInput => ({ ...base, stock: { ...base.stock, waiting: queue, queued: 0 } });
  const queue = threshold((q) => needAt(withQueue(q)) > size, queueNow, Math.max(1, queueNow));
  const demand = base.demand;
  const rate =
    demand === undefined || demand.upper <= 0
      ? undefined
      : threshold((factor) => needAt({ ...base, demand: timesDemand(demand, factor) }) > size, 1, 0.1);
  const parts = [
    ...(queue === undefined ? [] : [`queue >= ${Math.ceil(queue)}`]),
    ...(rate === undefined || demand === undefined ? [] : [`${figure(demand.upper * rate)} req/s`]),
  ];
  return parts.length === 0 ? undefined : `would scale to ${size + 1} at ${parts.join(' or ')}`;
}

function timesDemand(demand: NonNullable<NeedInput['demand']>, factor: number): NonNullable<NeedInput['demand']> {
  return { recent: demand.recent * factor, upper: demand.upper * factor };
}

/** Smallest value above `from` at which a monotone condition holds; `undefined` when it holds nowhere within reach. */
function threshold(holds: (value: number) => boolean, from: number, step: number): number | undefined {
  let width = step;
  let high = from + width;
  for (let i = 0; !holds(high); i++) {
    if (i === doublings) return undefined;
    width *= 2;
    high = from + width;
  }
  let low = from;
  for (let i = 0; i < halvings && high - low > 1e-3 * high; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
