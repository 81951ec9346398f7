import type { GatewaySamples } from '../pool.ts';
import { missing, type Sample, value } from '../sample.ts';
import { instant, type Instant } from '../units.ts';
import type { FamilyReadings, Reading } from './table.ts';

/**
 * The endpoint picker of llm-d and of the Gateway API Inference Extension; names of both, the first that is there is read. The queue is a gauge a flow,
 * and a flow that is empty for a while has none: whether flow control is on at all is told by what it says of the pool.
 */
const queues = ['llm_d_epp_flow_control_queue_size', 'inference_extension_flow_control_queue_size'] as const;
const signsOfControl = [
  'llm_d_epp_flow_control_pool_saturation',
  'inference_extension_flow_control_pool_saturation',
  'llm_d_epp_flow_control_requests_total',
  'llm_d_epp_flow_control_request_queue_duration_seconds_count',
  'inference_extension_flow_control_request_queue_duration_seconds_count',
] as const;
const requests = [
  'llm_d_epp_request_total',
  'inference_objective_request_total',
  'inference_model_request_total',
] as const;

/** Every family that is read. */
export const pickerFamilies: readonly string[] = [...queues, ...signsOfControl, ...requests];

/** What one picker's page says. `inferencePool`: only what waits for that pool; requests are not told apart by pool. */
export function pickerSamples(readings: FamilyReadings, at: Instant, inferencePool?: string): GatewaySamples {
  return { queued: queuedOf(readings, at, inferencePool), requestsTotal: sumOf(requests, readings, at) };
}

function queuedOf(readings: FamilyReadings, at: Instant, inferencePool: string | undefined): Sample {
  const isOurs = ({ labels }: Reading): boolean =>
    inferencePool === undefined || labels.get('inference_pool') === inferencePool;
  const seen = sumOf(queues, readings, at, isOurs);
  if (seen.kind !== 'missing' || seen.cause !== readings.absent) return seen;
  return signsOfControl.some((family) => readings.families.has(family)) ? value(0, at) : seen;
}

function sumOf(
  names: readonly string[],
  { families, lost, absent }: FamilyReadings,
  at: Instant,
  isOurs: (reading: Reading) => boolean = () => true,
): Sample {
  for (const name of names) {
    const why = lost.get(name);
    if (why !== undefined) return missing(why);
    const found = families.get(name);
    if (found === undefined) continue;
    const values = found.filter(isOurs).map((reading) => reading.value);
    return values.every((one) => one >= 0)
      ? value(
          values.reduce((sum, one) => sum + one, 0),
          at,
        )
      : missing('NotANumber');
  }
  return missing(absent);
}

/**
 * What several pickers say together. Each has a queue of its own, so they are added up; one that leads and others that hold no queue count as that one, and of
 * one that cannot be read it is not known how much waits there. Counters of several are not added up: one that restarts would make the sum fall.
 */
export function togetherOf(pickers: readonly GatewaySamples[]): GatewaySamples {
  const [only] = pickers;
  if (only === undefined) return { queued: missing('NotScraped'), requestsTotal: missing('NotScraped') };
  if (pickers.length === 1) return only;
  const queues = pickers.map(({ queued }) => queued);
  const isSilent = (sample: Sample): boolean => sample.kind === 'missing' && sample.cause === 'NotExposed';
  const telling = queues.filter((sample) => !isSilent(sample));
  const unknown = telling.find((sample) => sample.kind === 'missing');
  return {
    queued: unknown ?? sumOfSamples(telling),
    requestsTotal: missing('NotExposed'),
  };
}

function sumOfSamples(samples: readonly Sample[]): Sample {
  let [total, oldest] = [0, Number.POSITIVE_INFINITY];
  for (const sample of samples) {
    if (sample.kind === 'missing') continue;
    total += sample.value;
    oldest = Math.min(oldest, sample.at);
  }
  return samples.length === 0 ? missing('NotExposed') : value(total, instant(oldest));
}
