import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';

/** One breach of the layout's rules: the file (relative to the repository) and what it does. */
export interface Violation {
  readonly file: string;
  readonly what: string;
}

export interface SourceFile {
  /** Relative to the repository, with forward slashes: `src/core/tick.ts`. */
  readonly path: string;
  readonly text: string;
}

interface Room {
  readonly name: string;
  readonly holds: (path: string) => boolean;
  /** Rooms whose files may be imported, beside the room itself. */
  readonly rooms: readonly string[];
  /** Packages that may be imported; `node:` stands for every built-in. */
  readonly packages: readonly string[];
}

const under =
  (...folders: readonly string[]) =>
  (path: string): boolean =>
    folders.some((folder) => path.startsWith(`src/${folder}/`) || path === `src/${folder}`);

const model = 'core/model';
const coreOrder = ['core/signals', 'core/forecast', 'core/capacity', 'core/decision', 'core/warmth', 'core/explain'];

/** The import table (ARCHITECTURE.md). The first room that holds a file judges it. */
const rooms: readonly Room[] = [
  { name: model, holds: under(model), rooms: [], packages: [] },
  ...coreOrder.map((name, index) => ({
    name,
    holds: under(name),
    rooms: [model, ...coreOrder.slice(0, index)],
    packages: ['simple-statistics'],
  })),
  { name: 'core', holds: under('core'), rooms: [model, ...coreOrder], packages: ['simple-statistics'] },
  { name: 'errors', holds: under('errors.ts'), rooms: [], packages: [] },
  { name: 'ports', holds: under('ports'), rooms: [model, 'core'], packages: [] },
  { name: 'loop', holds: under('loop'), rooms: [model, ...coreOrder, 'core', 'ports', 'errors'], packages: ['node:'] },
  adapter('kube', ['@kubernetes/client-node', 'undici']),
  adapter('engines', ['undici']),
  adapter('gateway', ['undici']),
  adapter('prometheus', ['prometheus-query', 'undici']),
  adapter('metrics-api', ['fastify', '@peculiar/x509', 'reflect-metadata', 'undici']),
  adapter('telemetry', ['prom-client', 'fastify']),
  { name: 'adapters', holds: under('adapters'), rooms: [model, 'ports', 'errors'], packages: ['node:', 'pino'] },
  { name: 'agent', holds: under('agent'), rooms: [model, 'ports', 'errors'], packages: ['node:', 'undici'] },
  {
    name: 'sim',
    holds: under('sim'),
    rooms: [model, ...coreOrder, 'core', 'ports', 'errors'],
    packages: ['simple-statistics'],
  },
  {
    name: 'config',
    holds: under('config'),
    rooms: [model, 'errors'],
    packages: ['node:', 'ajv', 'ajv-formats', 'croner', 'js-yaml', 'csv-parse'],
  },
  { name: 'cli', holds: under('cli'), rooms: ['*'], packages: ['*'] },
  { name: 'ui', holds: under('ui'), rooms: [model], packages: ['uplot'] },
];

function adapter(name: string, packages: readonly string[]): Room {
  return {
    name: `adapters/${name}`,
    holds: under(`adapters/${name}`),
    rooms: [model, 'ports', 'errors'],
    packages: ['node:', ...packages],
  };
}

/** Time, chance and the process are arguments there, never ambient. */
const impure =
  /\b(Date\.now|new Date\b|Date\(|performance\.now|Math\.random|crypto\.|process\.|setTimeout|setInterval|setImmediate|queueMicrotask|Intl\.|console\.|globalThis|toLocale\w+\()/;
const singleton = /^(let|var)\s/;

export function violations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => [...importBreaches(file), ...impurities(file)]);
}

function importBreaches(file: SourceFile): Violation[] {
  const room = rooms.find((candidate) => candidate.holds(file.path));
  if (room === undefined) return [{ file: file.path, what: 'stands in no room of the import table' }];
  return specifiers(file.text)
    .filter((specifier) => !isAllowed(room, file.path, specifier))
    .map((specifier) => ({ file: file.path, what: `${room.name} may not import ${specifier}` }));
}

function specifiers(text: string): string[] {
  const found = [...text.matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm)];
  return found.map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function isAllowed(room: Room, path: string, specifier: string): boolean {
  if (room.rooms.includes('*')) return true;
  if (!specifier.startsWith('.')) return isPackageAllowed(room, specifier);
  const target = normalize(join(dirname(path), specifier))
    .split(sep)
    .join('/');
  const other = rooms.find((candidate) => candidate.holds(target));
  return other !== undefined && (other.name === room.name || room.rooms.includes(other.name));
}

function isPackageAllowed(room: Room, specifier: string): boolean {
  return room.packages.some((name) =>
    name.endsWith(':') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`),
  );
}

function impurities(file: SourceFile): Violation[] {
  if (!under('core', 'sim')(file.path)) return [];
  return file.text.split('\n').flatMap((line, index) => {
    const code = line
      .replace(/\/\/.*$/, '')
      .replace(/^\s*\*.*$/, '')
      .replace(/\/\*.*$/, '');
    const where = `line ${index + 1}`;
    const word = impure.exec(code)?.[1];
    if (word !== undefined) return [{ file: file.path, what: `${where} uses ${word}` }];
    if (singleton.test(code)) return [{ file: file.path, what: `${where} keeps module state` }];
    return [];
  });
}

/** Every TypeScript file below `src`, sorted. */
export function sourceFiles(root: string): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, 'src', name))
    .sort()
    .map((name) => ({ path: relative(root, name).split(sep).join('/'), text: readFileSync(name, 'utf8') }));
}
