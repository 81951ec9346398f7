import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { explainError } from '../errors.ts';

export type Log = Logger;

/** One JSON line an event on stderr: stdout belongs to what a command answers. Errors are written as their chain of messages, never as objects (a body may hold secrets). */
export function openLog(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['token', '*.token', 'authorization', '*.authorization', 'headers'], remove: true },
      serializers: { err: describeError, req: stdSerializers.req },
    },
    destination,
  );
}

function describeError(err: unknown): Readonly<Record<string, unknown>> {
  if (!(err instanceof Error)) return { message: String(err) };
  const code: unknown = 'code' in err ? err.code : undefined;
  return { name: err.name, ...(typeof code === 'string' ? { code } : {}), message: explainError(err) };
}
