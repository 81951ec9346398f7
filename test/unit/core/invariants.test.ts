import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardRules } from '../../../src/core/decision/guard.ts';
import { settleRules } from '../../../src/core/settle.ts';
import { guardLaws } from '../../support/guard-laws.ts';
import { worlds } from '../../support/guard-worlds.ts';
import { counterexample, runs } from '../../support/properties.ts';

/** A fault must show within this many worlds: a law that a broken guard keeps would prove nothing. */
const mostUntilSeen = 20_000;

describe.each(guardLaws)('$invariant: $states', ({ holds, broken }) => {
  test('in any world', () => {
    const law = fc.property(worlds, (world) => holds(world, settleRules));
    expect(counterexample(law, runs(11))).toBeUndefined();
  });

  test('not with a broken guard', () => {
    const law = fc.property(worlds, (world) => holds(world, broken));
    const { failed, numRuns } = fc.check(law, { ...runs(11, mostUntilSeen), endOnFailure: true });
    expect({ failed, isSeenInTime: numRuns <= mostUntilSeen }).toStrictEqual({ failed: true, isSeenInTime: true });
  });
});

test('every rule of the guard belongs to a law', () => {
  const lawful = new Set(guardLaws.map(({ invariant }) => invariant));
  for (const { name, invariant } of guardRules) expect([name, lawful.has(invariant)]).toStrictEqual([name, true]);
});

test('every law stands in docs/invariants.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/invariants.md'), 'utf8');
  for (const { invariant } of guardLaws) expect(page).toMatch(new RegExp(`^\\| ${invariant} \\|`, 'm'));
});
