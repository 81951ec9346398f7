import { ForewarmError } from '../../errors.ts';
import type { AuthConfig, FrontProxy } from '../../ports/metrics-door.ts';
import { text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

const name = 'kube-system/extension-apiserver-authentication';

/** The API server's own account of how it introduces callers (Role extension-apiserver-authentication-reader). */
export class KubeAuthConfig implements AuthConfig {
  readonly #http: KubeHttp;

  constructor(http: KubeHttp) {
    this.#http = http;
  }

  async frontProxy(signal: AbortSignal): Promise<FrontProxy | undefined> {
    const config = await this.#get(signal);
    const ca = text(config, 'data', 'requestheader-client-ca-file');
    if (ca === undefined || ca.trim() === '') return undefined;
    const read = (key: string): readonly string[] => stringList(key, text(config, 'data', `requestheader-${key}`));
    return {
      ca,
      allowedNames: read('allowed-names'),
      usernameHeaders: read('username-headers'),
      uidHeaders: read('uid-headers'),
      groupHeaders: read('group-headers'),
      extraPrefixes: read('extra-headers-prefix'),
    };
  }

  async #get(signal: AbortSignal): Promise<unknown> {
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    try {
      return await this.#http.call({ verb: 'GET', path }, signal);
    } catch (err) {
      if (statusOf(err) === 404) return undefined;
      throw err;
    }
  }
}

/** JSON lists inside strings; absent is empty. */
function stringList(key: string, json: string | undefined): readonly string[] {
  if (json === undefined || json.trim() === '') return [];
  try {
    const parsed: unknown = JSON.parse(json);
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
  } catch (cause) {
    throw new ForewarmError('CONFIG_INVALID', `\`requestheader-${key}\` of ${name} must be a JSON list`, { cause });
  }
  throw new ForewarmError(
    'CONFIG_INVALID',
    `\`requestheader-${key}\` of ${name} must be a JSON list of strings, was ${json}`,
  );
}
