import type { DrainSeen } from '../../core/model/pool.ts';
import { type Json, list, number, object, text } from './fields.ts';

/**
 * How the template lets a replica go. Whether requests that run are finished is known of vLLM alone: it waits for them as long as `--shutdown-timeout` says,
 * and without it ends them at once.
 */
export function drainOf(podSpec: Json): DrainSeen {
  const [engine] = list(podSpec, 'containers');
  const words = [text(engine, 'image') ?? '', ...wordsOf(engine, 'command'), ...wordsOf(engine, 'args')];
  const graceSeconds = number(podSpec, 'terminationGracePeriodSeconds') ?? 30;
  const hasPreStop = Object.keys(object(engine, 'lifecycle', 'preStop')).length > 0;
  const isVllm = words.some((word) => /\bvllm\b/.test(word));
  return { graceSeconds, hasPreStop, ...(isVllm ? { finishesRequests: words.some(isWaiting) } : {}) };
}

function wordsOf(container: unknown, field: string): readonly string[] {
  return list(container, field).map(String);
}

function isWaiting(word: string): boolean {
  return /--shutdown[-_]timeout(?:\b|=)/.test(word) && !/--shutdown[-_]timeout=0\b/.test(word);
}
