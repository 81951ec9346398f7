import { InvalidArgumentError } from 'commander';

/** Readers of flag values. Each message says what must stand there and what stood there; commander puts the flag before it. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export function wholeNumber({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}, was '${text}'.`);
  };
}

export function decimalNumber({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}, was '${text}'.`);
  };
}

/** `A,B,...`; a flag given twice adds to the list. */
export function list(text: string, before: readonly string[] = []): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.every((part) => part !== '')) return [...before, ...parts];
  throw new InvalidArgumentError(`It must be names separated by commas, without empty ones, was '${text}'.`);
}

/** What a policy that is a program begins with. */
export const execPrefix = 'exec:';

/** Names as in `list`; from `exec:` on all is one command, commas too. */
export function policyList(text: string, before: readonly string[] = []): readonly string[] {
  const at = /(?:^|,)\s*exec:/.exec(text);
  if (at === null) return list(text, before);
  const names = text.slice(0, at.index);
  const command = text.slice(at.index).replace(/^,?\s*/, '');
  if (command.slice(execPrefix.length).trim() === '') {
    throw new InvalidArgumentError(`It must have a command after ${execPrefix}, was '${text}'.`);
  }
  return [...(names === '' ? before : list(names, before)), command];
}

export function wholeNumbers(bounds: Bounds): (text: string, before?: readonly number[]) => readonly number[] {
  const read = wholeNumber(bounds);
  return (text, before = []) => [...before, ...list(text).map(read)];
}

export function decimalNumbers(bounds: Bounds): (text: string, before?: readonly number[]) => readonly number[] {
  const read = decimalNumber(bounds);
  return (text, before = []) => [...before, ...list(text).map(read)];
}

/** A part of a trace: seconds since its start. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** `FROM:TO`, each in seconds or with a unit s, m, h or d; an empty side is the trace's own end. */
export function slice(text: string): Slice {
  const [from = '', to = '', ...more] = text.split(':');
  const read = { from: from === '' ? 0 : seconds(from), to: to === '' ? Infinity : seconds(to) };
  if (text.includes(':') && more.length === 0 && read.from < read.to) return read;
  throw new InvalidArgumentError(`It must be FROM:TO with FROM before TO, as 0:20h or 3600:7200, was '${text}'.`);
}

const unitSeconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** NaN when it is not a length of time. */
function seconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  return amount === '' ? Number.NaN : Number(amount) * (unitSeconds[unit] ?? Number.NaN);
}

export function oneOf<const Word extends string>(...words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`It must be ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}, was '${text}'.`);
  };
}
