import { Agent } from 'undici';
import { pickerFamilies, pickerSamples } from '../../core/model/engines/endpoint-picker.ts';
import { allMissing } from '../../core/model/engines/samples.ts';
import type { MissingCause } from '../../core/model/sample.ts';
import type { Instant } from '../../core/model/units.ts';
import type { ReplicaAddress, ReplicaReader, ReplicaReading } from '../../ports/replica-reader.ts';
import { parseExposition } from './exposition.ts';
import { fetchPage } from './page.ts';
import { readingAll } from './reading-all.ts';
import { compileSelection } from './selection.ts';

const wanted = compileSelection(pickerFamilies);
/** Pages that are read at the same time. */
const concurrency = 64;
/** From the first byte sent to the last byte read, for each page. */
const deadlineMilliseconds = 2000;

/**
 * Reads the metrics pages of endpoint pickers as if they were replicas of which the queue and the counter of requests are known, so that both are read by one
 * loop. The address's `engine` is the name of the inference pool, or '' for all.
 */
export class PickerReader implements ReplicaReader {
  readonly #dispatcher = new Agent({ connections: 1, pipelining: 1, connect: { timeout: deadlineMilliseconds } });

  async read(
    pickers: readonly ReplicaAddress[],
    now: Instant,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReplicaReading>> {
    return await readingAll(pickers, concurrency, async (one) => await this.#readOne(one, now, signal));
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #readOne(picker: ReplicaAddress, now: Instant, signal: AbortSignal): Promise<ReplicaReading> {
    const page = await fetchPage({
      replica: picker,
      dispatcher: this.#dispatcher,
      deadlineMilliseconds,
      signal,
    });
    const nothing = allMissing('ScrapeFailed');
    if (!page.ok) return { samples: nothing, failure: page.failure, problem: page.problem };
    const { families, broken, sampleLines, problemCount } = parseExposition(page.body, wanted);
    if (sampleLines === 0 && problemCount > 0) {
      return { samples: nothing, failure: 'NotMetrics', problem: 'the page of the endpoint picker is no metrics page' };
    }
    const lost = new Map<string, MissingCause>([...broken].map((family) => [family, 'NotANumber']));
    const pool = picker.engine === '' ? undefined : picker.engine;
    const { queued, requestsTotal } = pickerSamples({ families, lost, absent: 'NotExposed' }, now, pool);
    const samples = { ...allMissing('NotExposed'), waiting: queued, finishedTotal: requestsTotal };
    if (queued.kind !== 'missing') return { samples };
    const problem = 'the endpoint picker shows no queue: is its flow control on?';
    return { samples, failure: 'NoSeries', problem };
  }
}
