import { expect, test } from 'vitest';
import { firstDifference, headerLine, parseDecisionLogLine, passLine, replay } from '../../../src/core/replay.ts';
import { emptyMemory, tick } from '../../../src/core/tick.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { at, fleetSeen, llama8bH100, poolPolicy, targetPolicy } from '../../support/builders.ts';
import { FluidPool } from '../../support/fluid-pool.ts';

const policy = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(40) })] });

/** A log of `count` passes over a pool whose load steps up; begun again with its memory after `restartAt`. */
function logOf(count: number, restartAt = -1): readonly string[] {
  const pool = new FluidPool((t) => (t < 300 ? 20 : 70), { ready: 2, after: () => 60 });
  let memory = emptyMemory;
  let spec = 2;
  const lines = [headerLine(memory, '0.0.0')];
  for (let i = 0; i < count; i++) {
    if (i === restartAt) lines.push(headerLine(memory, '0.0.1'));
    const input = { now: at(15 * i), pools: [{ seen: pool.seen(15 * i, spec), policy }], fleet: fleetSeen() };
    const output = tick(memory, input);
    lines.push(passLine(input, output));
    memory = output.memory;
    spec = output.decisions[0]?.replicas ?? spec;
  }
  return lines;
}
const log = logOf(40);

test('a log replays identically', () => expect(replay(log)).toEqual({ kind: 'identical', passes: 40 }));

test('a log that was begun again with a new header replays identically', () => {
  expect(replay(logOf(40, 25))).toEqual({ kind: 'identical', passes: 40 });
});

test('empty lines and a last line without end are no fault', () => {
  expect(replay([...log, '', ''])).toMatchObject({ kind: 'identical' });
});

test('the first difference is named with its line, pass and place', () => {
  const changed = log.map((line, i) => (i === 30 ? line.replace(/"wanted":\d+/, '"wanted":99') : line));
  const outcome = replay(changed);
  expect(outcome).toMatchObject({
    kind: 'different',
    line: 31,
    pass: 30,
    difference: { path: 'reports[0].targets[0].wanted', recorded: '99' },
  });
});

test('an input that was changed shows in what came of it', () => {
  const changed = log.map((line, i) =>
    i === 30
      ? line.replaceAll(/"queued":\{"kind":"value","value":[\d.]+/g, '"queued":{"kind":"value","value":90000')
      : line,
  );
  expect(replay(changed)).toMatchObject({ kind: 'different', pass: 30 });
});

const unreadable = {
  'a line that was cut off': { lines: [...log.slice(0, 5), (log[5] ?? '').slice(0, 200)], line: 6, field: 'line' },
  'a pass before any header': { lines: log.slice(1), line: 1, field: 'line' },
  'a log of another schema': {
    lines: ['{"schema":"forewarm.dev/decision-log/v9","memory":{"pools":{}}}'],
    line: 1,
    field: 'schema',
  },
  'a header without memory': { lines: ['{"schema":"forewarm.dev/decision-log/v1"}'], line: 1, field: 'memory' },
  'a line that is no object': { lines: [log[0] ?? '', '[]'], line: 2, field: 'line' },
  'a pass without time': { lines: [log[0] ?? '', '{"input":{},"output":{}}'], line: 2, field: 'input' },
  'a pass without output': {
    lines: [log[0] ?? '', '{"input":{"now":1,"pools":[],"fleet":{"nodes":[]}}}'],
    line: 2,
    field: 'output',
  },
  'nothing at all': { lines: [], line: 1, field: 'line' },
};
for (const [name, { lines, line, field }] of Object.entries(unreadable)) {
  test(`${name} cannot be replayed, and the line is named`, () => {
    expect(replay(lines)).toMatchObject({ kind: 'unreadable', line, problem: { field } });
  });
}

test('a header and a pass are told apart', () => {
  expect(parseDecisionLogLine(log[0] ?? '')).toMatchObject({ ok: true, value: { version: '0.0.0' } });
  expect(parseDecisionLogLine(log[1] ?? '')).toMatchObject({ ok: true, value: { input: { now: at(0) } } });
});

const differences = {
  'equal things differ nowhere': { was: { a: [1, 2] }, is: { a: [1, 2] }, path: undefined },
  'a value deep inside': { was: { a: [{ b: 1 }] }, is: { a: [{ b: 2 }] }, path: 'a[0].b' },
  'a field that is gone': { was: { a: 1, b: 2 }, is: { a: 1 }, path: 'b' },
  'a field that came': { was: { a: 1 }, is: { a: 1, b: 2 }, path: 'b' },
  'a list that is shorter': { was: [1, 2], is: [1], path: '[1]' },
  'fields in another order': { was: { a: 1, b: 2 }, is: { b: 2, a: 1 }, path: 'order of fields' },
};
for (const [name, { was, is, path }] of Object.entries(differences)) {
  test(`a difference: ${name}`, () => expect(firstDifference(was, is)?.path).toBe(path));
}
