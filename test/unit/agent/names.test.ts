import { describe, expect, test } from 'vitest';
import { collision, isRevision, parseSource, pathProblem, repoFolder } from '../../../src/agent/names.ts';
import { isSelected } from '../../../src/agent/pattern.ts';

describe('a source', () => {
  const good = {
    'names organisation and model': { given: 'hf://acme/tiny', want: { id: 'acme/tiny', revision: 'main' } },
    'may be one of the oldest models, without an organisation': {
      given: 'hf://gpt2',
      want: { id: 'gpt2', revision: 'main' },
    },
    'may name a revision': { given: 'hf://acme/tiny@v1.2', want: { id: 'acme/tiny', revision: 'v1.2' } },
    'may name a revision with a slash': {
      given: 'hf://acme/tiny@refs/pr/1',
      want: { id: 'acme/tiny', revision: 'refs/pr/1' },
    },
  };
  for (const [name, { given, want }] of Object.entries(good)) {
    test(`${name}`, () => expect(parseSource(given)).toStrictEqual({ ok: true, value: want }));
  }

  const bad = {
    'of another scheme is refused': 's3://bucket/model',
    'with three parts is refused': 'hf://a/b/c',
    'with an empty part is refused': 'hf://acme/',
    'that climbs is refused': 'hf://../etc',
    'with the separator of the cache layout is refused': 'hf://acme/ti--ny',
    'whose revision climbs is refused': 'hf://acme/tiny@../../x',
    'with two revisions is refused': 'hf://acme/tiny@a@b',
  };
  for (const [name, given] of Object.entries(bad)) {
    test(`${name}`, () => expect(parseSource(given)).toMatchObject({ ok: false, problem: { field: 'source' } }));
  }

  test('gets the folder that hub clients look into', () => expect(repoFolder('acme/tiny')).toBe('models--acme--tiny'));
});

describe('a file name of a listing', () => {
  const bad = {
    'must not be absolute': '/etc/passwd',
    'must not climb': 'a/../../b',
    'must not start with a climb': '../x',
    'must not be empty': '',
    'must not have an empty component': 'a//b',
    'must not have a dot component': './a',
    'must not have a backslash': 'a\\..\\b',
    'must not have a NUL': 'a\0b',
    'must not reach into a git folder': 'x/.GIT/config',
    'must not have a component that no file system takes': 'é'.repeat(128),
  };
  for (const [name, path] of Object.entries(bad)) test(`${name}`, () => expect(pathProblem(path)).toBeTypeOf('string'));
  for (const path of ['config.json', 'a/b/c.bin', '.gitattributes', '..a', 'ü/ß.txt']) {
    test(`may be '${path}'`, () => expect(pathProblem(path)).toBeUndefined());
  }
});

describe('two file names', () => {
  const pairs = {
    'collide when they are the same': { given: ['a', 'b', 'a'], want: ['a', 'a'] },
    'collide when one is a folder of the other': { given: ['a/b', 'a'], want: ['a', 'a/b'] },
    'collide when only their Unicode form differs': { given: ['\u00e9', 'e\u0301'], want: ['\u00e9', 'e\u0301'] },
    'stand beside each other when one only starts like the other': { given: ['a', 'ab', 'b/c'], want: undefined },
  };
  for (const [name, { given, want }] of Object.entries(pairs)) {
    test(`${name}`, () => expect(collision(given)).toStrictEqual(want));
  }
});

describe('patterns', () => {
  const cases = {
    'select everything when there are none': { path: 'a/b', patterns: [], want: true },
    'match a name': { path: 'config.json', patterns: ['config.json'], want: true },
    'match across folders, as hub clients do': { path: 'a/b/c.json', patterns: ['*.json'], want: true },
    'match a whole folder by its slash': { path: 'original/x.pth', patterns: ['original/'], want: true },
    'take a dot for a dot': { path: 'configxjson', patterns: ['config.json'], want: false },
    'know one letter': { path: 'a1', patterns: ['a?'], want: true },
    'know sets': { path: 'a1', patterns: ['a[0-9]'], want: true },
    'know negated sets': { path: 'a1', patterns: ['a[!0-9]'], want: false },
    'are tried one after the other': { path: 'b', patterns: ['a', 'b'], want: true },
    'cover the whole name': { path: 'model.safetensors.index.json', patterns: ['*.safetensors'], want: false },
    'do not break on expressions': { path: 'a+b(c)', patterns: ['a+b(c)'], want: true },
  };
  for (const [name, { path, patterns, want }] of Object.entries(cases)) {
    test(`${name}`, () => expect(isSelected(path, patterns)).toBe(want));
  }
});

test('a revision is a plain git reference', () => {
  expect(['main', 'v1', 'refs/pr/3', 'a_b-c.d'].filter(isRevision)).toHaveLength(4);
  expect(['', '/a', 'a/', 'a//b', '../a', 'a b', 'a/..', '-a'].filter(isRevision)).toStrictEqual([]);
});
