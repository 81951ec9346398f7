/** Who calls, as the API server sees it. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What the caller wants: to list a metric of a namespace, or to read a path. */
export type Wanted =
  | { readonly kind: 'metric'; readonly namespace: string; readonly metric: string }
  | { readonly kind: 'path'; readonly path: string };

export interface Verdict {
  readonly isAllowed: boolean;
  readonly reason?: string;
}

/** Asks the API server. Both throw an error of the catalogue when it does not answer. */
export interface AccessReviewer {
  /** The owner of a bearer token; undefined when the token is not valid. */
  whoIs(token: string, signal: AbortSignal): Promise<Caller | undefined>;
  may(caller: Caller, wanted: Wanted, signal: AbortSignal): Promise<Verdict>;
}

/** How the API server introduces the callers that it forwards (ConfigMap kube-system/extension-apiserver-authentication). */
export interface FrontProxy {
  /** PEM bundle of the CAs that sign the proxy's client certificate. */
  readonly ca: string;
  /** Common names that may introduce callers; empty: any that the CA signed. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

export interface AuthConfig {
  /** Undefined where the cluster has no front proxy: then only tokens count. Throws when the API server does not answer. */
  frontProxy(signal: AbortSignal): Promise<FrontProxy | undefined>;
}

/** A serving certificate with its key, and the CA that signed it: all PEM. */
export interface ServingCertificate {
  readonly ca: string;
  /** Absent where somebody else issues. */
  readonly caKey?: string;
  readonly cert: string;
  readonly key: string;
}

/** Where the certificate that all replicas serve is kept. */
export interface CertificateStore {
  /** `version` is what `save` must be given; `certificate` is undefined while nobody has issued one. */
  load(
    signal: AbortSignal,
  ): Promise<{ readonly certificate: ServingCertificate | undefined; readonly version: string }>;
  /** False when somebody else saved since `version`, or when this process may not: then load again. */
  save(certificate: ServingCertificate, version: string, signal: AbortSignal): Promise<boolean>;
}

/** The object that tells the API server whom to ask for external metrics. */
export interface DoorRegistration {
  /** Makes the cluster trust this CA. Answers who owns the group when it is not ours: nothing is changed then. */
  trust(ca: string, signal: AbortSignal): Promise<{ readonly foreignOwner?: string }>;
}

/** Where the leader serves metrics. */
export interface LeaderAddress {
  /** `host:port`; undefined when nobody leads or the leader says nothing. */
  find(signal: AbortSignal): Promise<string | undefined>;
}
