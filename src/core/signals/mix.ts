import type { LearnedMemory } from '../model/memory.ts';
import type { Flow } from './flow.ts';

export type Mix = LearnedMemory['mix'];

/** Mean lengths of the present mix, tokens a request. */
export interface Lengths {
  /** Prompt tokens that must be computed, and those served from the prefix cache. */
  readonly uncachedPrompt: number;
  readonly cachedPrompt: number;
  readonly output: number;
  /** Nothing was measured yet: these are the prior. */
  readonly isPrior: boolean;
}

/** Lengths change within minutes (another client, another prompt template): weights halve every five. */
const halfLifeSeconds = 300;
/** Short answers finish first, so the first requests mislead: the prior of answers (a usual chat turn) fades over the first two hundred. */
const priorWeight = 200;
/** Prompts are known when requests begin: the mean of twenty is right to a third. */
const promptPriorWeight = 20;
/** Answers are known once four times as many requests finished as are running. */
const unfinishedShare = 4;
/** No context is longer: a mean beyond it was misread, and would be remembered. */
const longestTokens = 1e7;
/** Less than this part of a request is none. */
const leastWeight = 1e-6;
const prior = { promptTokens: 1024, cachedShare: 0, outputTokens: 256 };

export const freshMix: Mix = { ...prior, weight: 0, outputWeight: 0 };

/** `running`: requests not yet finished; while they outnumber what was learned from, longer answers are still to come. */
export function lengthsOf(mix: Mix, running = 0): Lengths {
  const promptTokens = shrunk(mix.promptTokens, mix.weight, { mean: prior.promptTokens, weight: promptPriorWeight });
  const cachedShare = mix.weight > 0 ? mix.cachedShare : prior.cachedShare;
  const unseen = Math.max(priorWeight, unfinishedShare * running);
  const output = shrunk(mix.outputTokens, mix.outputWeight, { mean: prior.outputTokens, weight: priorWeight });
  const cautious = shrunk(mix.outputTokens, mix.outputWeight, { mean: prior.outputTokens, weight: unseen });
  return {
    uncachedPrompt: Math.max(1, promptTokens * (1 - cachedShare)),
    cachedPrompt: promptTokens * cachedShare,
    output: Math.max(1, output, cautious, mix.outputWeight < priorWeight ? soFar(mix) : 0),
    isPrior: mix.weight <= 0,
  };
}

/**
 * What those that began have on the mean by now: answers are at least as long. In the first minutes, when few have ended, nothing else tells; later ones that
 * ended tell it better, for while fewer begin than before it is too much.
 */
function soFar({ generated = 0, weight }: Mix): number {
  return Math.min(longestTokens, generated / Math.max(promptPriorWeight, weight));
}

/** Mean of what was measured and of as many requests of the prior as are missing to its weight. */
function shrunk(mean: number, weight: number, otherwise: { readonly mean: number; readonly weight: number }): number {
  const pull = Math.max(0, otherwise.weight - weight);
  return (mean * weight + otherwise.mean * pull) / (weight + pull);
}

/** Prompts of one mix scatter by somewhat more than their mean. */
const scatter = 1.3;
/** Another mix begins where prompts are longer by this factor, and by so many standard errors of the step's mean. */
const longerFactor = 1.5;
const longerDeviations = 4;

/**
 * The prompts that had to be computed in this step are too long for the mix that is known: another one came, and minutes of waiting for the mean would be
 * minutes of too few replicas. Shorter ones are believed slowly: that costs GPUs for a while, and no request.
 */
function isLonger(mix: Mix, { started, promptTokens, cachedTokens }: Flow): boolean {
  const known = mix.promptTokens * (1 - mix.cachedShare);
  const seen = promptTokens - cachedTokens;
  if (mix.weight < priorWeight || started < 1 || seen <= 0 || known <= 0) return false;
  const apart = Math.log(seen / started / known);
  return apart > Math.log(longerFactor) && apart * Math.sqrt(started) > longerDeviations * scatter;
}

type Weights = Required<Pick<Mix, 'weight' | 'outputWeight' | 'generated'>>;

function atMost(kept: Weights, limit: Weights): Weights {
  return {
    weight: Math.min(kept.weight, limit.weight),
    outputWeight: Math.min(kept.outputWeight, limit.outputWeight),
    generated: Math.min(kept.generated, limit.generated),
  };
}

/**
 * Folds what the replicas did in one step into the decaying means. Prompt tokens belong to the requests that started; output tokens to those
 * that finished and, by half, to those that joined the running ones: so neither leads nor lags in a ramp.
 */
export function learnMix(mix: Mix, flow: Flow | undefined, stepSeconds: number): Mix {
  const decay = 2 ** (-stepSeconds / halfLifeSeconds);
  const { generated = 0 } = mix;
  const faded = {
    weight: mix.weight * decay,
    outputWeight: mix.outputWeight * decay,
    generated: generated * decay,
  };
  if (flow === undefined) return { ...mix, ...faded };
  const started = Math.max(0, flow.started);
  const kept = isLonger(mix, flow)
    ? atMost(faded, { weight: started, outputWeight: Math.max(0, flow.finished), generated: 0 })
    : faded;
  const weight = kept.weight + started;
  const answered = Math.max(0, flow.finished + flow.runningChange / 2);
  const finished = answered > 0 ? Math.max(0, flow.finished) : 0;
  const outputWeight = kept.outputWeight + finished;
  const promptSum = mix.promptTokens * kept.weight + (started > 0 ? flow.promptTokens : 0);
  const cachedSum = mix.cachedShare * mix.promptTokens * kept.weight + (started > 0 ? flow.cachedTokens : 0);
  const outputSum =
    mix.outputTokens * kept.outputWeight + (finished > 0 ? (flow.outputTokens / answered) * finished : 0);
  return {
    promptTokens: weight > leastWeight ? Math.min(longestTokens, promptSum / weight) : mix.promptTokens,
    cachedShare: promptSum > 0 ? Math.min(0.99, cachedSum / promptSum) : mix.cachedShare,
    outputTokens: outputWeight > leastWeight ? Math.min(longestTokens, outputSum / outputWeight) : mix.outputTokens,
    weight,
    outputWeight,
    generated: kept.generated + Math.max(0, flow.outputTokens),
  };
}
