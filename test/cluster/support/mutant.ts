import { registerHooks } from 'node:module';

/** One edit of the product's source: what is replaced must be there exactly once. */
export interface Mutation {
  /** Path in the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const variable = 'FOREWARM_MUTATIONS';

/** Environment in which a process of the product runs with its source changed: broken twins need no switch in the product. */
export function mutated(...mutations: readonly Mutation[]): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${import.meta.filename}`, [variable]: JSON.stringify(mutations) };
}

/** In the process that imports this file first, as `mutated` asks for. */
function mutate(mutations: readonly Mutation[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = mutations.filter(({ file }) => url.endsWith(`/${file}`));
      if (edits.length === 0) return loaded;
      const { source } = loaded;
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      return { ...loaded, source: edits.reduce(edited, text) };
    },
  });
}

function edited(source: string, { file, find, replace }: Mutation): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`a mutation of ${file} must find its text once, found ${count} times: ${find}`);
  return source.replace(find, replace);
}

const asked = process.env[variable];
if (asked !== undefined) mutate(JSON.parse(asked) as readonly Mutation[]);
