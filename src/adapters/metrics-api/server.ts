import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server, ServerOptions } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { explainError, isForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { MetricSource } from '../../ports/metric-source.ts';
import type { Caller } from '../../ports/metrics-door.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import type { Access } from './access.ts';
import {
  apiGroup,
  apiGroupList,
  apiResourceList,
  discoveryVersionOf,
  groupDiscoveryList,
  openApiV2,
  openApiV3,
  openApiV3Index,
} from './discovery.ts';
import { type Peer, peerOf } from './front-proxy.ts';
import { parseSelector, type Selector } from './selector.ts';
import { group, groupVersion, Refusal, statusOf } from './status.ts';
import { valueList } from './values.ts';
import { encodeSeries, peerPath } from './wire.ts';

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** The CA of the front proxy alone; absent: no client certificate is ever verified. */
  readonly clientCa?: string;
}

export interface DoorOptions {
  readonly source: MetricSource;
  /** What other replicas may ask for: this process's own decisions, never forwarded again. */
  readonly local?: MetricSource;
  /** User names of other replicas. */
  readonly peers: readonly string[];
  readonly access: Access;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Absent: plain HTTP, for tests by injection. */
  readonly tls?: TlsMaterial;
  readonly ready: () => string | undefined;
  /** What the failure was, for the log; requests that are refused are not failures. */
  readonly onFailure: (err: unknown, path: string) => void;
  readonly programVersion: string;
  readonly peerOf?: (request: IncomingMessage) => Peer;
}

/**
 * What tls.createServer and setSecureContext need. Without a CA the list is empty, not absent: Node would then believe clients of any public one.
 */
export function secureContext({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ca: clientCa === undefined ? [] : clientCa };
}

/** The door for HorizontalPodAutoscalers. HTTP/1.1 only: the API server mistakes GOAWAY of an HTTP/2 backend for errors. */
export function metricsDoor(options: DoorOptions): FastifyInstance<Server> {
  const app: FastifyInstance<Server> = fastify({
    https: options.tls === undefined ? null : tlsOptions(options.tls),
    bodyLimit: 16 * 1024,
    requestTimeout: 10_000,
    handlerTimeout: 8000,
    connectionTimeout: 180_000,
    keepAliveTimeout: 120_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false, caseSensitive: true },
  });
  const callers = new WeakMap<FastifyRequest, Caller>();
  guard(app, callers, options);
  discoveryRoutes(app, options);
  healthRoutes(app, options);
  valueRoute(app, callers, options);
  peerRoute(app, callers, options);
  failures(app, options);
  return app;
}

/** A client's certificate is asked for, never demanded: bearers of tokens have none. */
function tlsOptions(tls: TlsMaterial): ServerOptions {
  return { ...secureContext(tls), requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
}

type Callers = WeakMap<FastifyRequest, Caller>;

const isHealth = (path: string): boolean => /^\/(healthz|livez|readyz)$/.test(path);
const pathOf = (request: FastifyRequest): string => request.url.replace(/\?.*$/s, '');
/** Also with extra or missing parts: what is under it needs the right to a metric, not to a path. */
const valuePath = `/apis/${groupVersion}/namespaces/:namespace/:metric`;

/** Every request has a caller before anything else is looked at. */
function guard(
  app: FastifyInstance<Server>,
  callers: Callers,
  { access, telemetry, clock, ...options }: DoorOptions,
): void {
  const began = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request) => {
    began.set(request, clock.monotonic());
    if (isHealth(pathOf(request))) return;
    const peer = options.peerOf ?? peerOf;
    const caller = await access.authenticate(request.raw, peer(request.raw));
    callers.set(request, caller);
    const isOwnRight = request.routeOptions.url === valuePath || request.routeOptions.url?.startsWith(peerPath);
    if (isOwnRight !== true) await access.authorize(caller, { kind: 'path', path: pathOf(request) });
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route =
      request.routeOptions.url === valuePath
        ? 'value'
        : request.is404
          ? 'unknown'
          : (request.routeOptions.url ?? 'unknown');
    const seconds = (clock.monotonic() - (began.get(request) ?? clock.monotonic())) / 1000;
    telemetry.count('forewarm_metrics_api_requests_total', { route, code: String(reply.statusCode) });
    telemetry.observe('forewarm_metrics_api_request_duration_seconds', seconds, { route });
    done();
  });
}

function discoveryRoutes(app: FastifyInstance<Server>, { source, programVersion }: DoorOptions): void {
  app.get('/apis', (request, reply) => {
    const asked = discoveryVersionOf(request.headers.accept ?? '');
    reply.header('vary', 'Accept');
    if (asked === undefined) return sendJson(request, reply, apiGroupList);
    const type = `application/json;g=apidiscovery.k8s.io;v=${asked};as=APIGroupDiscoveryList`;
    return sendJson(request, reply, groupDiscoveryList(source.metricNames(), asked), type);
  });
  app.get(`/apis/${group}`, (request, reply) => sendJson(request, reply, apiGroup));
  app.get(`/apis/${groupVersion}`, (request, reply) => sendJson(request, reply, apiResourceList(source.metricNames())));
  app.get('/openapi/v2', (request, reply) => sendJson(request, reply, openApiV2));
  app.get('/openapi/v3', (request, reply) =>
    sendJson(request, reply, openApiV3Index(tagOf(JSON.stringify(openApiV3)))),
  );
  app.get(`/openapi/v3/apis/${groupVersion}`, (request, reply) => sendJson(request, reply, openApiV3));
  const [major = '0', minor = '0'] = programVersion.split('.');
  app.get('/version', (request, reply) => sendJson(request, reply, { major, minor, gitVersion: `v${programVersion}` }));
}

function tagOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase();
}

/** JSON whatever Accept says (a 406 would break the HPA), with an ETag. */
function sendJson(request: FastifyRequest, reply: FastifyReply, body: object, type = 'application/json'): FastifyReply {
  const isPretty = /^(true|1)$/.test(queryOf(request).get('pretty') ?? '');
  const text = JSON.stringify(body, undefined, isPretty ? 2 : 0);
  const etag = `"${tagOf(text)}"`;
  reply.header('etag', etag);
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  return reply.header('content-type', type).send(Buffer.from(text));
}

function queryOf(request: FastifyRequest): URLSearchParams {
  const from = request.url.indexOf('?');
  return new URLSearchParams(from === -1 ? '' : request.url.slice(from));
}

function healthRoutes(app: FastifyInstance<Server>, { ready }: DoorOptions): void {
  const answer = (reply: FastifyReply, problem: string | undefined): FastifyReply =>
    reply
      .code(problem === undefined ? 200 : 503)
      .type('text/plain')
      .send(problem ?? 'ok');
  for (const path of ['/healthz', '/livez']) app.get(path, (_request, reply) => answer(reply, undefined));
  app.get('/readyz', (_request, reply) => answer(reply, ready()));
}

interface Place {
  readonly namespace: string;
  readonly metric: string;
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const metricName = /^[a-zA-Z0-9]([-a-zA-Z0-9_.:]{0,250}[a-zA-Z0-9])?$/;

/** Decoded once by the router: what then holds a slash, a star or nothing is no place that exists. */
function placeOf({ params }: FastifyRequest<{ Params: Place }>): Place {
  const { namespace, metric } = params;
  if (dnsLabel.test(namespace) && metricName.test(metric)) return { namespace, metric };
  throw new Refusal(
    404,
    `the server could not find the metric ${JSON.stringify(metric)} for ${JSON.stringify(namespace)}`,
  );
}

function valueRoute(app: FastifyInstance<Server>, callers: Callers, { access, source }: DoorOptions): void {
  app.get<{ Params: Place }>(valuePath, async (request, reply) => {
    const place = placeOf(request);
    await access.authorize(callerOf(request, callers), { kind: 'metric', ...place });
    const query = queryOf(request);
    if (/^(true|1)$/.test(query.get('watch') ?? '')) throw new Refusal(405, 'external metrics cannot be watched');
    const selectorText = query.get('labelSelector') ?? '';
    const series = await source.series(place.namespace, place.metric, AbortSignal.timeout(5000));
    const isMetricKnown = series.length > 0 || source.metricNames().includes(place.metric);
    const list = valueList(series, { ...place, selectorText, selector: selectorOf(selectorText), isMetricKnown });
    return sendJson(request, reply, list);
  });
}

function selectorOf(text: string): Selector {
  const parsed = parseSelector(text);
  if (parsed.ok) return parsed.value;
  const { seen, allowed } = parsed.problem;
  throw new Refusal(400, `unable to parse requirement: ${seen} must be one of ${allowed}`);
}

function callerOf(request: FastifyRequest, callers: Callers): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new TypeError('a request must have been authenticated before it is answered');
  return caller;
}

/** What other replicas ask: only they may, and only what this process itself decided. */
function peerRoute(app: FastifyInstance<Server>, callers: Callers, { local, peers }: DoorOptions): void {
  app.get<{ Params: Place }>(`${peerPath}/:namespace/:metric`, async (request, reply) => {
    const place = placeOf(request);
    const { name } = callerOf(request, callers);
    if (!peers.includes(name)) {
      throw new Refusal(
        403,
        `forbidden: User ${JSON.stringify(name)} cannot get path ${JSON.stringify(pathOf(request))}`,
      );
    }
    if (local === undefined) throw new Refusal(503, 'this process makes no decisions');
    const series = await local.series(place.namespace, place.metric, AbortSignal.timeout(5000));
    return reply.header('content-type', 'application/json').send(encodeSeries(series));
  });
}

/** Every failure is a Status: never HTML, never a Retry-After (client-go would sleep through ten of them). */
function failures(app: FastifyInstance<Server>, { onFailure }: DoorOptions): void {
  app.setNotFoundHandler((request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead) reply.header('allow', 'GET, HEAD');
    const refusal = isRead
      ? statusOf(404, 'the server could not find the requested resource')
      : statusOf(405, 'the server does not allow this method on the requested resource');
    return reply
      .code(refusal.code)
      .header('content-type', 'application/json')
      .send(Buffer.from(JSON.stringify(refusal)));
  });
  app.setErrorHandler((err, request, reply) => {
    const { code, message, details } = refusalOf(err);
    // That another process leads is no failure of this one: the caller hears it, the log need not.
    if (!(err instanceof Refusal) && code >= 500 && !isForewarmError(err, 'NOT_LEADER'))
      onFailure(err, pathOf(request));
    if (code === 405) reply.header('allow', 'GET, HEAD');
    return reply
      .code(code)
      .header('content-type', 'application/json')
      .send(Buffer.from(JSON.stringify(statusOf(code, message, details))));
  });
}

function refusalOf(err: unknown): Refusal {
  if (err instanceof Refusal) return err;
  if (isForewarmError(err, 'NOT_LEADER')) return new Refusal(503, explainError(err));
  const code = err instanceof Error && 'statusCode' in err ? Number(err.statusCode) : 500;
  if (code >= 400 && code < 500) return new Refusal(code, explainError(err));
  return new Refusal(code === 503 ? 503 : 500, `Internal error occurred: ${explainError(err)}`);
}
