import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { load } from 'js-yaml';

/**
 * npm run generate: the schemas in crds/ become src/core/model/api.gen.ts (types only). The YAML is the source of truth; a test compares.
 */
const root = join(import.meta.dirname, '../..');
export const generatedFile: string = join(root, 'src/core/model/api.gen.ts');

export interface Crd {
  readonly file: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: Readonly<Record<string, unknown>> & { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[];
    }[];
  };
}

/** What a CRD's schema may contain, as far as we look at it. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly [keyword: string]: unknown;
}

export function readCrds(): readonly Crd[] {
  const folder = join(root, 'crds');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .toSorted()
    .map((file) => ({ file, ...(load(readFileSync(join(folder, file), 'utf8')) as Omit<Crd, 'file'>) }))
    .filter((crd) => crd.spec !== undefined);
}

export function schemaOf(crd: Crd): Schema {
  const [version] = crd.spec.versions;
  if (version === undefined || crd.spec.versions.length > 1) throw new Error(`${crd.file} must have one version`);
  return version.schema.openAPIV3Schema;
}

const banner = '/* Made from crds/ by `npm run generate`. Change the YAML, not this file. */';

export async function generate(): Promise<string> {
  const parts = await Promise.all(readCrds().map((crd) => typesOf(crd)));
  return `${banner}\n\n${metadataTypes}\n${parts.join('\n')}`;
}

const metadataTypes = `export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}
`;

async function typesOf(crd: Crd): Promise<string> {
  const kind = crd.spec.names.kind;
  const source = await compile(named(schemaOf(crd), kind), kind, {
    bannerComment: '',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 120, bracketSpacing: true },
  });
  const version = crd.spec.versions[0]?.name;
  return readonlyTypes(source)
    .replace(/^( {2}readonly apiVersion)\??: string;/m, `$1: '${crd.spec.group}/${version}';`)
    .replace(/^( {2}readonly kind)\??: string;/m, `$1: '${kind}';`)
    .replace(/^( {2}readonly metadata)\??: \{\};/m, '$1: ObjectMeta;');
}

/** A copy that json-schema-to-typescript names by its path: `KindSpec`, `KindTarget`, `KindStatus`, `KindStatusTarget`. */
function named(schema: Schema, name: string): JSONSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([key, part]) => [
    key,
    named(part, nameOf(key, name)),
  ]);
  return {
    ...(schema.properties === undefined ? {} : { title: name, properties: Object.fromEntries(properties) }),
    ...(schema.description === undefined ? {} : { description: schema.description }),
    ...(schema.enum === undefined ? {} : { enum: [...schema.enum] }),
    ...(schema.required === undefined ? {} : { required: [...schema.required] }),
    ...typeOf(schema, name),
  };
}

function nameOf(key: string, parent: string): string {
  return `${parent.replace(/Spec$/, '')}${key.charAt(0).toUpperCase()}${key.slice(1)}`;
}

function typeOf(schema: Schema, name: string): JSONSchema {
  if (schema['x-kubernetes-int-or-string'] === true) return { type: ['integer', 'string'] };
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    return { type: 'object', additionalProperties: { tsType: 'unknown' } };
  }
  if (schema.items !== undefined) return { type: 'array', items: named(schema.items, singular(name)) };
  if (schema.additionalProperties !== undefined) {
    return { type: 'object', additionalProperties: named(schema.additionalProperties, name) };
  }
  return schema.type === undefined ? {} : { type: schema.type as 'string' };
}

function singular(name: string): string {
  return name.replace(/ies$/, 'y').replace(/s$/, '');
}

/** Every field and every list readonly. */
function readonlyTypes(source: string): string {
  return source
    .replace(/^(\s+)(\w+\??:)/gm, '$1readonly $2')
    .replace(/^(\s+)(\[k: string\]:)/gm, '$1readonly $2')
    .replace(/: (\w+|\(.*\))\[\];/g, ': readonly $1[];')
    .replace(/\/\*\*\n\s+\* (.*)\n\s+\*\//g, '/** $1 */')
    .replace(/^}\n(?=.)/gm, '}\n\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(generatedFile, await generate());
  console.log(`wrote ${generatedFile}`);
}
