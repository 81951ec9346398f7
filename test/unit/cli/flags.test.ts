import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { decimalNumber, list, oneOf, slice, wholeNumber, wholeNumbers } from '../../../src/cli/flags.ts';

const taken = {
  'a whole number inside the bounds': [wholeNumber({ min: 1, max: 9 })('9'), 9],
  'a decimal number': [decimalNumber({ min: 0.1, max: 100 })('2.5'), 2.5],
  'names separated by commas': [list('a.yaml, b.yaml'), ['a.yaml', 'b.yaml']],
  'a flag given twice': [list('b', ['a']), ['a', 'b']],
  'several seeds': [wholeNumbers({ min: 0, max: 9 })('1,2'), [1, 2]],
  'a slice in seconds': [slice('60:120'), { from: 60, to: 120 }],
  'a slice with units': [slice('0:20h'), { from: 0, to: 72_000 }],
  'a slice without an end': [slice('1d:'), { from: 86_400, to: Infinity }],
  'a word of a closed set': [oneOf('table', 'json')('json'), 'json'],
} as const;
for (const [name, [seen, want]] of Object.entries(taken)) {
  test(`a flag takes ${name}`, () => expect(seen).toStrictEqual(want));
}

const refused = {
  'a fraction for a whole number': [
    () => wholeNumber({ min: 1, max: 9 })('1.5'),
    "a whole number from 1 to 9, was '1.5'",
  ],
  'a number outside its bounds': [() => wholeNumber({ min: 1, max: 9 })('10'), "from 1 to 9, was '10'"],
  'a word for a number': [() => decimalNumber({ min: 0, max: 1 })('many'), "a number from 0 to 1, was 'many'"],
  'nothing for a number': [() => decimalNumber({ min: 0, max: 1 })(''), "was ''"],
  'an empty name': [() => list('a,,b'), "without empty ones, was 'a,,b'"],
  'a slice that ends before it begins': [() => slice('2h:1h'), "FROM before TO, as 0:20h or 3600:7200, was '2h:1h'"],
  'a slice with an unknown unit': [() => slice('0:3w'), "was '0:3w'"],
  'a slice without a colon': [() => slice('3600'), "was '3600'"],
  'a word outside the set': [() => oneOf('table', 'json', 'yaml')('xml'), "table, json or yaml, was 'xml'"],
} as const;
for (const [name, [read, want]] of Object.entries(refused)) {
  test(`a flag refuses ${name} and says what may stand there`, () => {
    expect(read).toThrow(InvalidArgumentError);
    expect(read).toThrow(want);
  });
}
