import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageAssets } from '../sim/report/page.ts';

const ui = join(dirname(fileURLToPath(import.meta.url)), '..', 'ui');
/** `.ts` when run from source, `.js` when compiled. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The page's script, each file after those that it uses. */
const scripts = ['plots', 'chart', 'report'];

/** Reads what the page carries inside: the plot library from its package, our script and style from `src/ui`. */
export function readAssets(): PageAssets {
  const plots = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const read = (name: string): string => readFileSync(join(ui, `${name}.${extension}`), 'utf8');
  return {
    plotScript: readFileSync(join(plots, 'dist', 'uPlot.iife.min.js'), 'utf8'),
    plotStyle: readFileSync(join(plots, 'dist', 'uPlot.min.css'), 'utf8'),
    pageScript: scripts.map((name) => asPart(read(name))).join('\n'),
    pageStyle: readFileSync(join(ui, 'report.css'), 'utf8'),
  };
}

/** One module of the folder as a part of a single script: no types, no imports, nothing exported. */
function asPart(source: string): string {
  const plain = extension === 'ts' ? withoutTypes(source) : source;
  return plain
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export (?=function|const)/gm, '')
    .replaceAll(/^export \{\};$/gm, '')
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** Node calls this function experimental and says so on stderr between our lines; the message is held back for this one call. */
function withoutTypes(source: string): string {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    if (descriptor !== undefined) Object.defineProperty(process, 'emitWarning', descriptor);
  }
}
