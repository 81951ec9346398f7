import { ok, problem, type Result } from '../../core/model/result.ts';
import { at, notANumber, numberAt, parseJson, within } from './fields.ts';
import { latenciesOf, type MeasuredRun, type RequestTimes, type SentRequest } from './measured-run.ts';

export interface TimedRequest extends SentRequest, RequestTimes {}

const fields = ['arrival_s', 'prompt_tokens', 'output_tokens', 'ttft_ms', 'e2e_ms'] as const;

/** One JSON object a line, one request each; `run` tells runs apart. Runs come in the order of their first line. */
export function parseRequestLines(lines: readonly string[], name: string): Result<readonly MeasuredRun[]> {
  const byRun = new Map<string, TimedRequest[]>();
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const read = requestOf(line);
    if (!read.ok) return within(`line ${i + 1}: `, read.problem);
    const run = byRun.get(read.value.run ?? name) ?? [];
    byRun.set(read.value.run ?? name, run);
    run.push(read.value);
  }
  const runs: MeasuredRun[] = [];
  for (const [run, requests] of byRun) {
    const read = runOfRequests(run, requests);
    if (!read.ok) return read;
    runs.push(read.value);
  }
  return ok(runs);
}

function requestOf(line: string): Result<TimedRequest & { readonly run?: string }> {
  const row = parseJson(line);
  if (row === undefined) return problem('(line)', line.slice(0, 60), 'one JSON object');
  const bad = notANumber(row, fields, 0) ?? notANumber(row, ['prompt_tokens', 'output_tokens'], 1);
  if (bad !== undefined) return { ok: false, problem: bad };
  const number = (name: (typeof fields)[number]): number => numberAt(row, name) ?? 0;
  const run = at(row, 'run');
  return ok({
    arrivalMs: number('arrival_s') * 1000,
    promptTokens: Math.round(number('prompt_tokens')),
    outputTokens: Math.round(number('output_tokens')),
    ttft: number('ttft_ms'),
    e2e: number('e2e_ms'),
    ...(typeof run === 'string' && { run }),
  });
}

/** An open run of requests that were timed one by one; times begin with the first. */
export function runOfRequests(name: string, requests: readonly TimedRequest[]): Result<MeasuredRun> {
  if (requests.length === 0) return problem(name, 0, 'at least one request');
  const ordered = requests.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  const first = ordered[0]?.arrivalMs ?? 0;
  const shifted = ordered.map((request) => ({ ...request, arrivalMs: request.arrivalMs - first }));
  return ok({
    name,
    loads: [{ kind: 'Open', requests: shifted }],
    measured: latenciesOf(shifted),
    timed: shifted,
  });
}
