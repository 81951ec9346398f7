import { open, unlink } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { ForewarmError } from '../errors.ts';
import { errno, isMissing } from './files.ts';

/** Held while this process owns the cache directory. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * One agent a directory, across process and network namespaces: a socket file that the owner listens on. A killed owner leaves a file that refuses
 * connections, which the next one removes; a process id would mean nothing in another container.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  // the path of a socket may have only 107 bytes: it is named through the open directory
  const handle = await open(directory, 'r');
  const path = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}/lock` : join(directory, 'lock');
  try {
    const server = (await listen(path)) ?? (await listenAgain(path, directory));
    return { release: async () => await release(server, async () => await handle.close()) };
  } catch (err) {
    await handle.close();
    throw err;
  }
}

async function listenAgain(path: string, directory: string): Promise<Server> {
  if (await isAnswering(path)) throw taken(directory);
  await unlink(path).catch((err: unknown) => {
    if (!isMissing(err)) throw err;
  });
  const server = await listen(path);
  if (server === undefined) throw taken(directory);
  return server;
}

function taken(directory: string): ForewarmError {
  return new ForewarmError(
    'FILE_UNREADABLE',
    `${directory} is in use by another agent: stop it, or choose another cache directory`,
  );
}

/** undefined when the file exists already. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (err) => {
      if (errno(err) === 'EADDRINUSE') resolve(undefined);
      else reject(err);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function release(server: Server, done: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await done();
}
