import type { ScenarioSettings } from '../../core/model/simulated-scenario.ts';
import type { RandomStream } from '../rng.ts';
import { dayWorkload, diurnalShare } from './day.ts';
import { around, exactly, lines, type Shape, type ShapedPrompt, shapedWorkload, stairs } from './shape.ts';
import { wholeSource, type WorkloadSource } from './source.ts';

/** A shape with what it is for. Rates suit the profile llama-3.1-8b-h100: near 5.6 requests a second and replica at 4096 in, 256 out. */
interface Bundled extends Shape {
  readonly about: string;
  /** The fleet and the faults that belong to it; a scenario file may say otherwise. */
  readonly settings?: ScenarioSettings;
}

const blockTokens = 512;

const shapes: Readonly<Record<string, Bundled>> = {
  s1: {
    about: 'steady overload from the first second: 20 requests a second, 4000 in, 1000 out',
    seconds: 1800,
    rate: () => 20,
    prompt: exactly(4000, 1000),
  },
  s2: {
    about: 'burst stairs: 15, 2, 10, 15, 5, 2 requests a second, 150 s each, 4000 in, 1000 out',
    seconds: 900,
    rate: stairs([0, 15], [150, 2], [300, 10], [450, 15], [600, 5], [750, 2]),
    prompt: exactly(4000, 1000),
  },
  s3: {
    about: 'tool agents: 6.7 requests a second, long prompts that share tool definitions, for sweeps of the cold start',
    seconds: 3540,
    rate: (second) => 6.67 * (1 + 0.35 * Math.sin(second / 190) * Math.cos(second / 71)),
    prompt: toolAgentPrompt,
    prefixBlockTokens: blockTokens,
  },
  s4: {
    about: 'a week of days in seven hours: two working peaks, an evening, a quiet weekend',
    seconds: 7 * 3600,
    rate: (second) => 6 * weekShare(second / 3600),
    prompt: around(8000, 500),
  },
  s5: {
    about: 'flash crowd: eight times the rate within 30 s, for five minutes, then fading',
    seconds: 2400,
    rate: (second) => 6 * crowd(second - 600),
    prompt: around(4096, 256),
  },
  s6: {
    about: 'slow decay, then nothing for 50 minutes, then one request',
    seconds: 6000,
    rate: (second) => (second < 2400 ? 20 * 0.5 ** (second / 300) : 0),
    single: [5400],
    prompt: around(4096, 256),
  },
  s7: {
    about: 'three quarters of two replicas, for ever: the edge between one and two',
    seconds: 3600,
    rate: () => 0.75 * 2 * 5.65,
    prompt: around(4096, 256),
  },
  s8: {
    about: 'a step that asks for eight replicas or more, where only four GPUs are',
    settings: { nodes: 1, gpusPerNode: 4 },
    seconds: 2700,
    rate: stairs([0, 2], [300, 18], [1800, 2]),
    prompt: exactly(4000, 1000),
  },
  s9: {
    about:
      'a fall that removes replicas, then the same load again: series of the dead stay for five minutes and must not count',
    settings: { faults: [{ kind: 'StaleSeries', fromSeconds: 600, toSeconds: 1800, persistSeconds: 300 }] },
    seconds: 2400,
    rate: stairs([0, 24], [600, 4], [1800, 24]),
    prompt: around(4096, 256),
  },
  s10: {
    about: 'prompts grow from 500 to 8000 tokens at the same requests a second',
    seconds: 2400,
    rate: () => 16,
    prompt: (stream, second) => around(second < 900 ? 500 : 8000, 200)(stream),
  },
  s11: {
    about: 'half of all requests begin alike, and for ten minutes a third of all goes to one replica',
    settings: { faults: [{ kind: 'SkewedRouting', fromSeconds: 600, toSeconds: 1200, share: 0.33 }] },
    seconds: 1800,
    rate: () => 16,
    prompt: hotPrompt,
    prefixBlockTokens: blockTokens,
  },
  s12: {
    about: 'the work moves between reading and writing: 8000 in and 32 out, then 256 in and 1500 out, 400 s each',
    seconds: 1600,
    rate: (second) => (isReading(second) ? 18 : 28),
    prompt: (stream, second) => (isReading(second) ? around(8000, 32) : around(256, 1500))(stream),
  },
  s13: {
    about: 'the first of two models that share GPUs: it is busy while the other is not',
    seconds: 3600,
    rate: (second) => 10 + 9 * Math.sin((2 * Math.PI * second) / 1800),
    prompt: around(4096, 256),
  },
  's13-b': {
    about: 'the second of the two models',
    seconds: 3600,
    rate: (second) => 10 - 9 * Math.sin((2 * Math.PI * second) / 1800),
    prompt: around(4096, 256),
  },
  s14: {
    about: 'answers of minutes, and a fall while they are being written: what a scale-down kills is lost',
    seconds: 2700,
    rate: stairs([0, 6], [900, 0.6]),
    prompt: around(500, 4000),
  },
  s15: {
    about: 'the load triples in the three minutes from 900 s, in which all metrics are dark',
    settings: { faults: [{ kind: 'MetricBlackout', fromSeconds: 900, toSeconds: 1080, includesGateway: true }] },
    seconds: 2400,
    rate: lines([0, 8], [900, 8], [1080, 24], [1800, 24], [1801, 8]),
    prompt: around(4096, 256),
  },
  s16: {
    about: 'steady load on three replicas, of which one dies and is restarted in place',
    settings: { faults: [{ kind: 'EngineCrash', fromSeconds: 900, toSeconds: 960, share: 0.34 }] },
    seconds: 2400,
    rate: () => 14,
    prompt: around(4096, 256),
  },
  s17: {
    about: 'four fifths of each prompt are shared until 1200 s, a tenth after, at the same requests a second',
    seconds: 2400,
    rate: () => 16,
    prompt: fadingPrompt,
    prefixBlockTokens: blockTokens,
  },
  s18: {
    about: 'eight days in four hours that set traps: a spike on day 4, a day three hours late, a holiday',
    seconds: 8 * 1800,
    rate: (second) => 7 * trapShare(second / 1800),
    prompt: around(8000, 500),
  },
};

export const bundledWorkloads: readonly string[] = ['day', ...Object.keys(shapes)];

/** A workload that comes with Forewarm, drawn from the seed; undefined when there is none of that name. */
export function bundledSource(name: string): WorkloadSource | undefined {
  if (name === 'day') {
    const durationSeconds = 7200;
    return wholeSource({ name, durationSeconds }, (seed) => dayWorkload({ seed }));
  }
  const shape = shapes[name];
  if (shape === undefined) return undefined;
  const { seconds: durationSeconds } = shape;
  return wholeSource({ name, durationSeconds }, (seed) => shapedWorkload(name, shape, seed));
}

/** The fleet and the faults of a bundled workload; nothing for those without. */
export function bundledSettings(name: string): ScenarioSettings {
  return shapes[name]?.settings ?? {};
}

/** What each is for, in the order of their numbers. */
export function bundledAbout(): readonly { readonly name: string; readonly about: string }[] {
  return Object.entries(shapes).map(([name, { about }]) => ({ name, about }));
}

/** Eightfold within 30 s. */
function crowd(seconds: number): number {
  if (seconds < 0) return 1;
  if (seconds < 30) return 1 + (7 * seconds) / 30;
  return seconds < 330 ? 8 : 1 + 7 * Math.exp(-(seconds - 330) / 240);
}

/** `day` 0 is a Monday. */
function weekShare(day: number): number {
  const isWeekend = Math.floor(day) % 7 >= 5;
  return diurnalShare((day % 1) * 24) * (isWeekend ? 0.55 : 1);
}

function trapShare(day: number): number {
  const hour = (day % 1) * 24;
  const which = Math.floor(day);
  if (which === 4) return diurnalShare((hour + 21) % 24);
  const share = diurnalShare(hour) * (which === 5 ? 0.2 : 1);
  return which === 3 && hour >= 11 && hour < 12.5 ? 3 * share : share;
}

function isReading(second: number): boolean {
  return Math.floor(second / 400) % 2 === 0;
}

/** Numbers of blocks that nobody else has: above all shared ones, and rarely twice. */
function ownBlock(stream: RandomStream): number {
  return 1_000_000 + stream.below(2 ** 30);
}

function shared(group: number, blocks: number): number[] {
  return Array.from({ length: blocks }, (_, i) => group * 1000 + i);
}

/** The first blocks are the group's, the rest the request's own. */
function groupPrompt(
  stream: RandomStream,
  group: number,
  { ofGroup, own }: { ofGroup: number; own: number },
): readonly number[] {
  const first = ownBlock(stream);
  return [...shared(group, ofGroup), ...Array.from({ length: own }, (_, i) => first + i)];
}

/** Forty sets of tools, the popular ones far more often; each is 4 to 16 blocks long. About 8,600 tokens in, 180 out. */
function toolAgentPrompt(stream: RandomStream): ShapedPrompt {
  const group = Math.floor(40 * stream.uniform() ** 2);
  const ofGroup = 4 + ((group * 7) % 13);
  const ownTokens = Math.min(40_000, Math.max(1, Math.round(stream.lognormal(2200, 0.9))));
  const promptTokens = ofGroup * blockTokens + ownTokens;
  const outputTokens = Math.min(2000, Math.max(1, Math.round(stream.lognormal(110, 1))));
  const prefix = groupPrompt(stream, group, { ofGroup, own: Math.ceil(ownTokens / blockTokens) });
  return { promptTokens, outputTokens, prefix };
}

function hotPrompt(stream: RandomStream): ShapedPrompt {
  const isHot = stream.uniform() < 0.5;
  const group = isHot ? 0 : 1 + stream.below(200);
  const { promptTokens, outputTokens } = around(4096, 256)(stream);
  const blocks = Math.ceil(promptTokens / blockTokens);
  const ofGroup = Math.min(blocks, 3);
  return { promptTokens, outputTokens, prefix: groupPrompt(stream, group, { ofGroup, own: blocks - ofGroup }) };
}

function fadingPrompt(stream: RandomStream, second: number): ShapedPrompt {
  const ofGroup = second < 1200 ? 8 : 1;
  const prefix = groupPrompt(stream, stream.below(24), { ofGroup, own: 10 - ofGroup });
  return { promptTokens: 10 * blockTokens, outputTokens: 100 + stream.below(200), prefix };
}
