import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { ForewarmError } from '../errors.ts';

/** Lines of a decision log, plain or gzipped (told by its first bytes). Throws FILE_UNREADABLE, or LOG_INVALID where a gzip stream is cut off or damaged. */
export async function* logLines(path: string): AsyncGenerator<string> {
  const isGzip = await startsAsGzip(path);
  const file = createReadStream(path);
  const chunks: AsyncIterable<Buffer> = isGzip ? unzipped(file) : file;
  const decoder = new TextDecoder();
  let rest = '';
  let count = 0;
  try {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      count += lines.length;
      yield* lines;
    }
  } catch (cause) {
    throw readError(path, count, cause);
  } finally {
    file.destroy();
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

function unzipped(file: ReadStream): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  file.on('error', (err) => gunzip.destroy(err));
  return file.pipe(gunzip);
}

async function startsAsGzip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (cause) {
    throw new ForewarmError('FILE_UNREADABLE', `reading decision log ${path}`, { cause });
  }
}

function readError(path: string, line: number, cause: unknown): unknown {
  if (cause instanceof ForewarmError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (!code.startsWith('Z_')) return new ForewarmError('FILE_UNREADABLE', `reading decision log ${path}`, { cause });
  const what = code === 'Z_BUF_ERROR' ? 'cut off' : 'damaged';
  return new ForewarmError(
    'LOG_INVALID',
    `reading decision log ${path}: the gzip stream is ${what} after line ${line}`,
    {
      cause,
    },
  );
}
