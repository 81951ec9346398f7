/** Asks again and again (the only way to watch a real cluster from a test) until the answer passes; says what it saw last when it does not. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  passes: (answer: T) => boolean,
  { seconds = 30, everyMilliseconds = 100 }: { readonly seconds?: number; readonly everyMilliseconds?: number } = {},
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (passes(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() > end) throw new Error(`${what} did not happen in ${seconds} s; seen last: ${brief(last)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMilliseconds));
  }
}

/** Watches that something stays true for a while; throws at the first look at which it does not. */
export async function holds<T>(
  what: string,
  ask: () => Promise<T> | T,
  passes: (answer: T) => boolean,
  { seconds, everyMilliseconds = 250 }: { readonly seconds: number; readonly everyMilliseconds?: number },
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const answer = await ask();
    if (!passes(answer)) throw new Error(`${what} did not hold: ${brief(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMilliseconds));
  }
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return text.length > 1500 ? `${text.slice(0, 1500)}...` : text;
}
