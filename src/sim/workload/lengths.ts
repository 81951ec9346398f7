import { ok, problem, type Result } from '../../core/model/result.ts';
import type { RandomStream } from '../rng.ts';
import { cellsOf, wholeTokens } from './cells.ts';

/** Where the lengths of requests come from that a file of rates does not know. */
export interface LengthSampler {
  /** As a person would name it. */
  readonly about: string;
  /** Prompt and answer together. */
  readonly meanTokens: number;
  draw(stream: RandomStream): Lengths;
}

export interface Lengths {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

interface Lognormal {
  readonly median: number;
  readonly sigma: number;
}
const most = 200_000;

export function lognormalLengths(prompt: Lognormal, output: Lognormal): LengthSampler {
  const draw = (stream: RandomStream, { median, sigma }: Lognormal): number =>
    Math.min(most, Math.max(1, Math.round(stream.lognormal(median, sigma))));
  const mean = ({ median, sigma }: Lognormal): number => median * Math.exp((sigma * sigma) / 2);
  return {
    about: `lognormal lengths, medians ${prompt.median} in and ${output.median} out`,
    meanTokens: mean(prompt) + mean(output),
    draw: (stream) => ({ promptTokens: draw(stream, prompt), outputTokens: draw(stream, output) }),
  };
}

/** As in Azure's conversation trace of 2023. */
export const conversationLengths: LengthSampler = lognormalLengths(
  { median: 760, sigma: 0.985 },
  { median: 151, sigma: 0.859 },
);

export function fixedLengths(prompt: number, output: number): LengthSampler {
  const about = `${prompt} tokens in, ${output} out`;
  return { about, meanTokens: prompt + output, draw: () => ({ promptTokens: prompt, outputTokens: output }) };
}

const forms = "'lognormal:MEDIAN/SIGMA,MEDIAN/SIGMA' (prompt, answer), 'fixed:PROMPT/ANSWER', or a file";

/** Reads `lognormal:760/0.985,151/0.859` or `fixed:1024/256`; undefined when it is neither, so the name of a file. */
export function parseLengths(text: string): Result<LengthSampler> | undefined {
  if (text.startsWith('fixed:')) {
    const [prompt = 0, output = 0, ...more] = text.slice(6).split('/').map(Number);
    const isWhole = [prompt, output].every((tokens) => Number.isInteger(tokens) && tokens >= 1 && tokens <= most);
    return isWhole && more.length === 0 ? ok(fixedLengths(prompt, output)) : problem('--lengths', text, forms);
  }
  if (!text.startsWith('lognormal:')) return undefined;
  const [prompt, output, ...more] = text.slice(10).split(',').map(lognormalOf);
  if (prompt === undefined || output === undefined || more.length > 0) return problem('--lengths', text, forms);
  return ok(lognormalLengths(prompt, output));
}

function lognormalOf(text: string): Lognormal | undefined {
  const [, median, sigma] = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const read = { median: Number(median), sigma: Number(sigma) };
  return read.median >= 1 && read.median <= most && read.sigma <= 5 ? read : undefined;
}

const pairs: readonly (readonly [string, string])[] = [
  ['input_tokens', 'output_tokens'],
  ['ContextTokens', 'GeneratedTokens'],
  ['Request tokens', 'Response tokens'],
];

/** Pairs of lengths from a CSV, times passed over: requests draw among them evenly, each prompt with its answer. Rows without an answer are left out. */
export class LengthsParser {
  readonly #name: string;
  readonly #prompts: number[] = [];
  readonly #outputs: number[] = [];
  #columns: { readonly prompt: number; readonly output: number; readonly names: readonly [string, string] } | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    if (this.#columns === undefined) return this.#readHeader(line, cells);
    const { names, prompt, output } = this.#columns;
    const answer = wholeTokens(names[1], cells[output] ?? '', 0);
    if (!answer.ok) return answer;
    if (answer.value === 0) return ok(undefined);
    const asked = wholeTokens(names[0], cells[prompt] ?? '', 1);
    if (!asked.ok) return asked;
    this.#prompts.push(asked.value);
    this.#outputs.push(answer.value);
    return ok(undefined);
  }

  finish(): Result<LengthSampler> {
    const prompts = this.#prompts;
    const outputs = this.#outputs;
    if (prompts.length === 0) return problem('rows', 0, 'at least one pair of lengths');
    const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
    return ok({
      about: `lengths of ${this.#name}`,
      meanTokens: (sum(prompts) + sum(outputs)) / prompts.length,
      draw: (stream) => {
        const at = stream.below(prompts.length);
        return { promptTokens: prompts[at] ?? 1, outputTokens: outputs[at] ?? 1 };
      },
    });
  }

  #readHeader(line: string, cells: readonly string[]): Result<undefined> {
    const names = pairs.find((pair) => pair.every((name) => cells.includes(name)));
    if (names === undefined) {
      return problem('header', line.slice(0, 120), pairs.map((pair) => `'${pair.join(',')}'`).join(' or '));
    }
    this.#columns = { names, prompt: cells.indexOf(names[0]), output: cells.indexOf(names[1]) };
    return ok(undefined);
  }
}
