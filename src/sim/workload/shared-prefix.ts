import { ok, problem, type Result } from '../../core/model/result.ts';
import type { PromptSampler } from './stages.ts';

const blockTokens = 16;
const fields = ['num_groups', 'num_prompts_per_group', 'system_prompt_len', 'question_len', 'output_len'] as const;

interface Groups {
  readonly groups: number;
  readonly prompts: number;
  readonly system: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** inference-perf's `data.shared_prefix`: groups of prompts with one system prompt each; every request repeats one of them. */
export function sharedPrefixOf(given: unknown): Result<PromptSampler> {
  const seen = new Map<string, unknown>(typeof given === 'object' && given !== null ? Object.entries(given) : []);
  const numbers: number[] = [];
  for (const name of fields) {
    const read = countOf(name, seen.get(name));
    if (!read.ok) return read;
    numbers.push(read.value);
  }
  const [groups = 1, prompts = 1, system = 1, question = 1, outputTokens = 1] = numbers;
  return ok(samplerOf({ groups, prompts, system, promptTokens: system + question, outputTokens }));
}

function countOf(name: string, value: unknown): Result<number> {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000_000) return ok(value);
  return problem(`data.shared_prefix.${name}`, value ?? 'absent', 'a whole number from 1 to 1000000');
}

function samplerOf({ groups, prompts, system, promptTokens, outputTokens }: Groups): PromptSampler {
  const shared = Math.floor(system / blockTokens);
  const blocks = Math.ceil(promptTokens / blockTokens);
  return {
    about: `${groups} groups of ${prompts} prompts, ${system} of ${promptTokens} tokens shared in a group, ${outputTokens} out`,
    prefixBlockTokens: blockTokens,
    draw(stream) {
      const group = stream.below(groups);
      const prompt = groups + group * prompts + stream.below(prompts);
      const prefix = Array.from({ length: blocks }, (_, i) => (i < shared ? group : prompt) * blocks + i);
      return { promptTokens, outputTokens, prefix };
    },
  };
}
