import { instant } from '../core/model/units.ts';
import type { Clock } from '../ports/index.ts';

const longestTimer = 2 ** 31 - 1;

/** The wall clock, a clock that never goes back, and a sleep that a signal ends. */
export function systemClock(): Clock {
  return { now: () => instant(Date.now()), monotonic: () => performance.now(), sleep };
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', end);
        resolve();
      },
      Math.min(Math.max(milliseconds, 0), longestTimer),
    );
    signal.addEventListener('abort', end, { once: true });
  });
}
