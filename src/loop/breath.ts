import { setImmediate } from 'node:timers/promises';
import type { Breathe } from '../ports/breathe.ts';
import type { Clock } from '../ports/index.ts';

const longestTurnMilliseconds = 5;

/** Lets the event loop turn once a few milliseconds of work have gone by since it last did. */
export function breather(clock: Pick<Clock, 'monotonic'>, longest: number = longestTurnMilliseconds): Breathe {
  let since = clock.monotonic();
  return () => {
    if (clock.monotonic() - since < longest) return undefined;
    return setImmediate().then(() => {
      since = clock.monotonic();
    });
  };
}

/** Work in steps to its end, with a breath between two where one is due. */
export async function paced<T>(steps: Generator<void, T>, breathe: Breathe, signal: AbortSignal): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const breath = breathe();
    if (breath === undefined) continue;
    await breath;
    signal.throwIfAborted();
  }
}
