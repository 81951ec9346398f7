import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { load, YAMLException } from 'js-yaml';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import { ForewarmError } from '../errors.ts';

/** Takes a text file line by line; what is wrong with a line or with the whole is a problem. */
export interface LineParser<T> {
  push(line: string): Result<undefined>;
  finish(): Result<T>;
}

/**
 * Reads a trace, plain or gzipped (told by its first bytes), all of it or not at all. Throws FILE_UNREADABLE, or TRACE_INVALID which names the
 * file, the line, what stood there and what may.
 */
export async function readTrace<T>(path: string, parser: LineParser<T>): Promise<T> {
  const isGzip = await startsAsGzip(path);
  let line = 0;
  const push = (text: string): void => {
    line++;
    const taken = parser.push(text);
    if (!taken.ok) throw invalid(`${path}, line ${line}`, taken.problem);
  };
  await eachLine(path, isGzip, push);
  const finished = parser.finish();
  if (!finished.ok) throw invalid(path, finished.problem);
  return finished.value;
}

/** A file that is one YAML document, taken line by line so that it is read as every trace is. */
export class DocumentParser implements LineParser<unknown> {
  readonly #lines: string[] = [];

  push(line: string): Result<undefined> {
    this.#lines.push(line);
    return ok(undefined);
  }

  finish(): Result<unknown> {
    try {
      return ok(load(this.#lines.join('\n')));
    } catch (err) {
      if (!(err instanceof YAMLException) || err.mark === undefined)
        return problem('(file)', String(err), 'one YAML document');
      return problem(`line ${err.mark.line + 1}`, err.reason, 'one YAML document');
    }
  }
}

/** The error of a trace whose content, read well enough, cannot be used. */
export function traceInvalid(path: string, found: Problem): ForewarmError {
  return invalid(path, found);
}

async function eachLine(path: string, isGzip: boolean, push: (line: string) => void): Promise<void> {
  const split = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) push(withoutReturn(line));
    }
    rest += decoder.decode();
    if (rest !== '') push(withoutReturn(rest));
  };
  const file = createReadStream(path);
  try {
    await (isGzip ? pipeline(file, createGunzip(), split) : pipeline(file, split));
  } catch (cause) {
    throw toError(path, cause);
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

async function startsAsGzip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (cause) {
    throw new ForewarmError('FILE_UNREADABLE', `reading trace ${path}`, { cause });
  }
}

function toError(path: string, cause: unknown): unknown {
  if (cause instanceof ForewarmError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'Z_BUF_ERROR') {
    return new ForewarmError('TRACE_INVALID', `reading trace ${path}: the gzip stream is cut off, nothing was used`, {
      cause,
    });
  }
  if (code.startsWith('Z_')) {
    return new ForewarmError('TRACE_INVALID', `reading trace ${path}: the gzip stream is damaged, nothing was used`, {
      cause,
    });
  }
  return new ForewarmError('FILE_UNREADABLE', `reading trace ${path}`, { cause });
}

function invalid(where: string, problem: Problem): ForewarmError {
  return new ForewarmError('TRACE_INVALID', `reading trace ${where}: ${describe(problem)}`);
}
