import type { RequestTimes, SentRequest } from '../src/sim/calibration/measured-run.ts';
import { RandomStream } from '../src/sim/rng.ts';

export interface ClosedLoop {
  readonly url: string;
  readonly users: number;
  readonly seconds: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly seed: number;
}

/** So many users, each of whom sends the next request when its last was answered; all that were sent are answered. */
export async function closedLoop(load: ClosedLoop): Promise<readonly (SentRequest & RequestTimes)[]> {
  const prompts = new RandomStream(load.seed, 'prompts');
  const startMs = performance.now();
  const done: (SentRequest & RequestTimes)[] = [];
  const user = async (): Promise<void> => {
    while (performance.now() - startMs < load.seconds * 1000) {
      const prompt = Array.from({ length: load.promptTokens }, () => 3 + prompts.below(2000));
      const arrivalMs = performance.now() - startMs;
      const times = await ask(load, prompt);
      done.push({ arrivalMs, promptTokens: load.promptTokens, outputTokens: load.outputTokens, ...times });
    }
  };
  await Promise.all(Array.from({ length: load.users }, user));
  return done.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
}

async function ask(
  { url, outputTokens }: ClosedLoop,
  prompt: readonly number[],
): Promise<{ ttft: number; e2e: number }> {
  const sentMs = performance.now();
  const answer = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', prompt, max_tokens: outputTokens, ignore_eos: true, stream: true }),
  });
  if (!answer.ok || answer.body === null) throw new Error(`vLLM answered ${answer.status}: ${await answer.text()}`);
  let ttft: number | undefined;
  for await (const chunk of answer.body) if (chunk.length > 0) ttft ??= performance.now() - sentMs;
  return { ttft: ttft ?? Number.NaN, e2e: performance.now() - sentMs };
}
