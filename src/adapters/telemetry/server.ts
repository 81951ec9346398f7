import fastify, { type FastifyInstance } from 'fastify';

/** Why a process is not ready, in words, or undefined when it is. */
export type Check = () => string | undefined;

export interface StatusServerOptions {
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  /** Whether it can do its work now: what keeps a Service from sending requests. */
  readonly ready: Check;
  /** Whether a restart would help. @default always alive */
  readonly alive?: Check;
}

/** `/metrics`, `/healthz`, `/livez`, `/readyz` in plain HTTP. Listen with `listen({ host, port })`, end with `close()`. */
export function statusServer({ metrics, ready, alive = () => undefined }: StatusServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: 1024,
    requestTimeout: 10_000,
    connectionTimeout: 60_000,
    handlerTimeout: 8000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 64 },
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  for (const [path, check] of [
    ['/readyz', ready],
    ['/healthz', alive],
    ['/livez', alive],
  ] as const) {
    app.get(path, (_request, reply) => {
      const problem = check();
      return reply
        .code(problem === undefined ? 200 : 503)
        .type('text/plain')
        .send(`${problem ?? 'ok'}\n`);
    });
  }
  return app;
}
