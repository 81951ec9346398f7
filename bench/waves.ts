import { RandomStream } from '../src/sim/rng.ts';
import { type RequestRow, type Workload, workloadOf } from '../src/sim/workload/workload.ts';

/** Requests/s of the trough and of the crest: fleets of about 3 and 12 replicas of an 8B model with these long requests. */
const [trough, crest] = [2, 9];
const hour = 3600;

/**
 * Half a day of waves, 40 minutes on the mean and no two alike: a trough, a climb within minutes, a crest, a fall. Each climb orders several replicas
 * and each fall gives them back, so that many starts are seen of one pool that keeps what it learned.
 */
export function waves(seed: number): Workload {
  const stream = new RandomStream(seed, 'waves');
  const rows: RequestRow[] = [];
  let at = 0;
  while (at < 12 * hour) {
    const height = trough + (crest - trough) * (0.6 + 0.4 * stream.uniform());
    const spans = [700, 300, 900, 500].map((seconds) => seconds * (0.7 + 0.6 * stream.uniform()));
    const [low = 0, climb = 0, high = 0, fall = 0] = spans;
    const end = at + low + climb + high + fall;
    const rateAt = (t: number): number => {
      const since = t - at;
      const share = Math.min((since - low) / climb, (end - t) / fall);
      return trough + (height - trough) * Math.min(1, Math.max(0, share));
    };
    for (let t = at + stream.exponential(1 / crest); t < end; t += stream.exponential(1 / crest)) {
      if (stream.uniform() * crest < rateAt(t)) rows.push(requestAt(t, stream));
    }
    at = end;
  }
  return workloadOf('waves', rows, at);
}

function requestAt(t: number, stream: RandomStream): RequestRow {
  return {
    arrivalMs: t * 1000,
    promptTokens: Math.max(1, Math.round(stream.lognormal(6500, 0.5))),
    outputTokens: Math.max(1, Math.round(stream.lognormal(800, 0.5))),
  };
}
