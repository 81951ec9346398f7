import type { SignalName } from '../pool.ts';
import type { MissingCause } from '../sample.ts';
import type { Instant } from '../units.ts';

/** One series of one family, as a page or a query gave it. `at`: the time that came with the value itself. */
export interface Reading {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly at?: Instant;
}

/** What was read of one replica, by the exact name of the family (with `_total`, `_sum`, `_count`). */
export interface FamilyReadings {
  readonly families: ReadonlyMap<string, readonly Reading[]>;
  /** Families of which something is known to be lost (a broken line, a failed query): a signal that needs one is missing. */
  readonly lost: ReadonlyMap<string, MissingCause>;
  /** Why a family that is simply not there is not there. */
  readonly absent: MissingCause;
}

/** Keeps a series by one of its labels; a label that is not there reads as ''. All given conditions must hold. */
export interface SeriesFilter {
  readonly label: string;
  readonly noneOf?: readonly string[];
  readonly oneOf?: readonly string[];
  readonly endsWith?: readonly string[];
}

/** A number that stands in labels (an info gauge): the product of some less, where given, another. */
export interface LabelArithmetic {
  readonly product: readonly string[];
  readonly less?: string;
}

/** One way to read a signal. `over` says what several series of a replica (data-parallel ranks, reasons) make together. */
export interface SignalSource {
  readonly family: string;
  readonly over: 'sum' | 'mean' | 'max';
  readonly where?: readonly SeriesFilter[];
  readonly fromLabels?: LabelArithmetic;
}

/** How a signal is read: the first source that is exposed, or the largest of those that are. Values above `atMost` are no numbers. */
export interface SignalRule {
  readonly pick: 'first' | 'largest';
  readonly sources: readonly SignalSource[];
  readonly atMost?: number;
}

/** States in which the gauges read 0 and mean nothing. */
export interface RestRules {
  /** Asleep when any of these series is above 0. */
  readonly asleep: readonly SignalSource[];
  /** Paused when `paused` outnumber `resumed` while all `gauges` read 0. */
  readonly paused: readonly SignalSource[];
  readonly resumed: readonly SignalSource[];
  readonly gauges: readonly SignalName[];
}

export interface EngineTable {
  readonly name: string;
  /** The engine is recognised when any of these families is there. */
  readonly signature: readonly string[];
  readonly signals: Readonly<Record<SignalName, SignalRule>>;
  readonly rest?: RestRules;
}

/** Every family that the table can use: what a parser has to keep and a query has to ask for. */
export function familiesOf(table: EngineTable): readonly string[] {
  const names = new Set(table.signature);
  for (const rule of Object.values(table.signals)) for (const source of rule.sources) names.add(source.family);
  const { asleep = [], paused = [], resumed = [] } = table.rest ?? {};
  for (const source of [...asleep, ...paused, ...resumed]) names.add(source.family);
  return [...names].sort();
}
