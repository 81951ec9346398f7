import { isForewarmError } from '../errors.ts';

/** Leadership, as a term of office needs it. */
export interface Lease {
  acquire(signal: AbortSignal): Promise<void>;
  hold(signal: AbortSignal): Promise<void>;
  release(signal: AbortSignal): Promise<void>;
}

export interface TermOptions {
  readonly lease: Lease;
  /** What a leader does; ends with its signal, after the write that is on its way. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Last writes of an orderly end, while the lease is still held. */
  readonly leave: (signal: AbortSignal) => Promise<void>;
  readonly onElected: () => void;
}

const leaveMilliseconds = 5000;

/**
 * Waits for the lease, leads until the signal, gives the lease back. The order of the end matters: stop deciding, let the write in flight be
 * answered, store what was learnt, and only then release. Throws NOT_LEADER when the lease was lost: the process must then end at once. Throws what
 * the work threw when it failed; the lease is then given back, so that nobody waits for a leader that does nothing.
 */
export async function serveTerm({ lease, lead, leave, onElected }: TermOptions, signal: AbortSignal): Promise<void> {
  await lease.acquire(signal);
  onElected();
  const ended = new AbortController();
  const holding = lease.hold(ended.signal);
  const leading = lead(signal);
  try {
    // Whoever fails first ends the term; a lost lease does not wait for the work.
    await Promise.race([holding, leading]);
  } catch (err) {
    if (!signal.aborted) {
      if (!isForewarmError(err, 'NOT_LEADER')) {
        ended.abort();
        await givenBack(lease, holding);
      }
      throw err;
    }
  }
  await settled(leading, signal);
  await leave(AbortSignal.timeout(leaveMilliseconds));
  ended.abort();
  await holding;
  await lease.release(AbortSignal.timeout(leaveMilliseconds));
}

/** As far as it goes: what matters is the error that ended the term, and a lease that is not given back runs out. */
async function givenBack(lease: Lease, holding: Promise<void>): Promise<void> {
  await holding.catch(() => undefined);
  await lease.release(AbortSignal.timeout(leaveMilliseconds)).catch(() => undefined);
}

/** The work has ended, by its signal or by itself. */
async function settled(leading: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await leading;
  } catch (err) {
    if (!signal.aborted) throw err;
  }
}
