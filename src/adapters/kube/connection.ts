import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ForewarmError } from '../../errors.ts';

/** What one request needs to be believed: the server, its TLS material, the headers that say who asks. */
export interface Credentials {
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
  };
  readonly headers: Readonly<Record<string, string>>;
}

export interface KubeConnection {
  readonly server: string;
  /** Namespace of the current context, `default` when it names none. */
  readonly namespace: string;
  /** Reads files and plugins anew each time: tokens and CAs rotate. */
  credentials(): Promise<Credentials>;
}

/** From a kubeconfig file, `KUBECONFIG`, the home directory or the pod's service account, in client-node's order. */
export async function connectKube(file?: string): Promise<KubeConnection> {
  const config = await loadConfig(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new ForewarmError(
      'CONFIG_INVALID',
      'the kubeconfig has no current cluster: name a context in it, or give --kubeconfig',
    );
  }
  const namespace = config.getContextObject(config.currentContext)?.namespace ?? 'default';
  return { server: cluster.server.replace(/\/$/, ''), namespace, credentials: () => readCredentials(config) };
}

async function loadConfig(file?: string): Promise<KubeConfig> {
  // The package's index loads every generated model: half a second and 90 MB that we do not use.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (err) {
    throw new ForewarmError('CONFIG_INVALID', `reading kubeconfig ${file ?? '(default)'}`, { cause: err });
  }
  return config;
}

async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  const token = await tokenOfFile(config);
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (typeof value === 'string') headers[name.toLowerCase()] = value;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (typeof options.auth === 'string' && headers['authorization'] === undefined) {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return { tls: tlsOf(options), headers };
}

function tlsOf(options: RequestOptions): Credentials['tls'] {
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    ...(ca === undefined ? {} : { ca: String(ca) }),
    ...(cert === undefined ? {} : { cert: String(cert) }),
    ...(typeof key === 'string' || Buffer.isBuffer(key) ? { key: key.toString() } : {}),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** A rotated service account token counts at once, not after client-node's minute. */
async function tokenOfFile(config: KubeConfig): Promise<string | undefined> {
  const provider: unknown = config.getCurrentUser()?.authProvider;
  const file: unknown = isTokenFile(provider) ? provider.config.tokenFile : undefined;
  return typeof file === 'string' ? (await readFile(file, 'utf8')).trim() : undefined;
}

function isTokenFile(provider: unknown): provider is { readonly config: { readonly tokenFile: unknown } } {
  if (typeof provider !== 'object' || provider === null || !('config' in provider)) return false;
  const { config } = provider;
  return typeof config === 'object' && config !== null && 'tokenFile' in config;
}
