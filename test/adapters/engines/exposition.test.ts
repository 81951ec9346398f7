import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxPageBytes, parseExposition, type Exposition } from '../../../src/adapters/engines/exposition.ts';
import { compileSelection } from '../../../src/adapters/engines/selection.ts';

const wanted = [
  'vllm:num_requests_waiting',
  'vllm:num_requests_running',
  'vllm:kv_cache_usage_perc',
  'b_bucket',
  'quoted.name',
];
const selection = compileSelection(wanted);
const parse = (text: string): Exposition => parseExposition(Buffer.from(text), selection);
const values = (page: Exposition, family: string): readonly number[] =>
  (page.families.get(family) ?? []).map((reading) => reading.value);
const labels = (page: Exposition, family: string): unknown =>
  (page.families.get(family) ?? []).map((reading) => Object.fromEntries(reading.labels));

describe('legal lines that break line splitters', () => {
  const page = parseExposition(
    Buffer.from(
      [
        'vllm:num_requests_waiting{model_name="Team Model 7B",engine="0"} 3.0 1789200000000',
        'vllm:num_requests_running{engine="0",model_name="a \\"q\\" \\\\x"} 8',
        'vllm:time_to_first_token_seconds_bucket{le="0.1"} 40 # {trace_id="a"} 0.07 1.7892e+09',
        'vllm:x{model_name="14" reg",y="1"} 5',
        'vllm:kv_cache_usage_perc{engine="0"} 0.41',
        '# EOF',
      ].join('\n'),
    ),
    compileSelection([...wanted, 'vllm:time_to_first_token_seconds_bucket']),
  );

  test('a label with spaces and a time of its own keep value and time', () => {
    expect(page.families.get('vllm:num_requests_waiting')).toStrictEqual([
      {
        labels: new Map([
          ['model_name', 'Team Model 7B'],
          ['engine', '0'],
        ]),
        value: 3,
        at: 1789200000000,
      },
    ]);
  });
  test('an escaped quote and an escaped backslash are part of the label', () => {
    expect(labels(page, 'vllm:num_requests_running')).toStrictEqual([{ engine: '0', model_name: 'a "q" \\x' }]);
  });
  test('an exemplar belongs to nobody', () => {
    expect(page.families.get('vllm:time_to_first_token_seconds_bucket')?.[0]).toStrictEqual({
      labels: new Map([['le', '0.1']]),
      value: 40,
    });
  });
  test('the one illegal line costs itself only and is counted once', () => {
    expect(values(page, 'vllm:kv_cache_usage_perc')).toStrictEqual([0.41]);
    expect(page.problemCount).toBe(1);
    expect(page.problems).toStrictEqual([
      { line: 4, message: `a label's value must be followed by ',' or '}', was "reg\\",y=\\"1\\"} 5"` },
    ]);
    expect(page.sampleLines).toBe(4);
  });
});

const oneValue = {
  'a bare name': { text: 'vllm:num_requests_waiting 4\n', want: [4] },
  'blanks and tabs around everything': { text: ' vllm:num_requests_waiting \t { a = "b" , } \t 4\t 17 \n', want: [4] },
  'carriage returns': { text: 'vllm:num_requests_waiting{a="b"} 4\r\n# EOF\r\n', want: [4] },
  'braces, commas and hashes inside a label': { text: 'vllm:num_requests_waiting{a="}, #{",b=""} 4\n', want: [4] },
  'empty braces': { text: 'vllm:num_requests_waiting{} 4\n', want: [4] },
  'exponents and signs': { text: 'vllm:num_requests_waiting +1.5e+03\n', want: [1500] },
  'no newline at the end': { text: 'vllm:num_requests_waiting 4', want: [4] },
  'NaN in any case': { text: 'vllm:num_requests_waiting nan\n', want: [NaN] },
  'infinities in any case': {
    text: 'vllm:num_requests_waiting{a="1"} +Inf\nvllm:num_requests_waiting{a="2"} -inf\n',
    want: [Infinity, -Infinity],
  },
  'ranks, in their order': {
    text: 'vllm:num_requests_waiting{engine="0"} 1\nvllm:num_requests_waiting{engine="1"} 2\n',
    want: [1, 2],
  },
  'only exact names': {
    text: 'vllm:num_requests_waiting_by_reason 7\nvllm:num_requests_waitin 8\nvllm:num_requests_waiting 9\n',
    want: [9],
  },
} as const;
for (const [name, { text, want }] of Object.entries(oneValue)) {
  test(`the parser reads ${name}`, () => {
    const page = parse(text);
    expect(page.problems).toStrictEqual([]);
    expect(values(page, 'vllm:num_requests_waiting')).toStrictEqual(want);
  });
}

test('a time in seconds, as OpenMetrics writes it, is told from one in milliseconds', () => {
  const page = parse('b_bucket{le="1"} 1 1789200000.5\n');
  expect(page.families.get('b_bucket')?.[0]?.at).toBe(1789200000500);
});

test('a name in quotes inside the braces is a name', () => {
  expect(labels(parse('{"quoted.name", "a.b"="c"} 3\n'), 'quoted.name')).toStrictEqual([{ 'a.b': 'c' }]);
});

test('a label called __proto__ is a label like any other', () => {
  const page = parse('vllm:num_requests_waiting{__proto__="x"} 3\n');
  expect(page.families.get('vllm:num_requests_waiting')?.[0]?.labels.get('__proto__')).toBe('x');
});

const broken = {
  'a value that is no number': 'vllm:num_requests_waiting{a="b"} three\n',
  'a hexadecimal value': 'vllm:num_requests_waiting 0x10\n',
  'no value': 'vllm:num_requests_waiting{a="b"}\n',
  'a label without quotes': 'vllm:num_requests_waiting{a=b} 1\n',
  'a label without an end': 'vllm:num_requests_waiting{a="b} 1\n',
  'a label that ends in a backslash': 'vllm:num_requests_waiting{a="b\\',
  'labels without an end': 'vllm:num_requests_waiting{a="b",\n',
  'a label name that is none': 'vllm:num_requests_waiting{1="b"} 1\n',
  'text after the time': 'vllm:num_requests_waiting 1 2 3\n',
  'a time that is no number': 'vllm:num_requests_waiting 1 later\n',
} as const;
for (const [name, text] of Object.entries(broken)) {
  test(`a wanted family with ${name} is named as broken`, () => {
    const page = parse(`${text}\nvllm:kv_cache_usage_perc 0.5\n`);
    expect([...page.broken]).toStrictEqual(['vllm:num_requests_waiting']);
    expect(page.problemCount).toBe(1);
    expect(page.problems[0]?.line).toBe(1);
    expect(values(page, 'vllm:num_requests_waiting')).toStrictEqual([]);
    expect(values(page, 'vllm:kv_cache_usage_perc')).toStrictEqual([0.5]);
  });
}

test('a thousand broken lines are counted and sixteen are shown', () => {
  const page = parse('<p>no metrics here</p>\n'.repeat(1000));
  expect(page.problemCount).toBe(1000);
  expect(page.problems).toHaveLength(16);
  expect(page.sampleLines).toBe(0);
});

test('a page over the limit is refused as a whole', () => {
  const page = parseExposition(Buffer.alloc(maxPageBytes + 1, 'a 1\n'), selection);
  expect(page.sampleLines).toBe(0);
  expect(page.problems[0]?.message).toContain('at most 4194304 bytes');
});

test('the parser never throws and loses no line, whatever the bytes', () => {
  const soup = fc.array(
    fc.constantFrom(
      ...wanted,
      '{',
      '}',
      '"',
      '\\',
      ',',
      '=',
      ' ',
      '\n',
      '#',
      '1',
      'NaN',
      'le',
      '-',
      'é',
      '\u0000',
      '\r',
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        soup.map((parts) => Buffer.from(parts.join(''))),
        fc.uint8Array({ maxLength: 200 }),
      ),
      (bytes) => {
        const page = parseExposition(bytes, selection);
        const lines = Buffer.from(bytes).toString('latin1').split('\n');
        const candidates = lines.filter((line) => !/^[ \t]*(#|\r?$)/.test(line));
        expect(page.sampleLines + page.problemCount).toBe(candidates.length);
      },
    ),
    { numRuns: 20_000, seed: 20261126 },
  );
});

test('what a writer escapes the parser gives back', () => {
  const escaped = (text: string): string =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
      (label, value) => {
        const text = `b_bucket{le="${escaped(label)}"} ${String(value).replace('Infinity', 'Inf')}\n`;
        const reading = parse(text).families.get('b_bucket')?.[0];
        expect(reading?.labels.get('le')).toBe(label);
        expect(reading?.value).toBe(value);
      },
    ),
    { numRuns: 5_000, seed: 20261126 },
  );
});
