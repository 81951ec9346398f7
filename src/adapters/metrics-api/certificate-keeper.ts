import { readFile } from 'node:fs/promises';
import { ForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { CertificateStore, ServingCertificate } from '../../ports/metrics-door.ts';
import { dueBecause, issue } from './certificate.ts';

/** Where the certificate that is served comes from. */
export interface CertificateSource {
  /** The certificate to serve now; undefined while there is none. Throws when it cannot be looked up. */
  current(signal: AbortSignal): Promise<ServingCertificate | undefined>;
}

export interface KeeperOptions {
  readonly store: CertificateStore;
  /** Names under which the door is reached. */
  readonly names: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly onIssued: (because: string) => void;
}

/** Issues what is missing or due, once for all replicas: whoever saves first is right, the others load what he saved. */
export class CertificateKeeper implements CertificateSource {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  async current(signal: AbortSignal): Promise<ServingCertificate | undefined> {
    const { store, names, clock, onIssued } = this.#options;
    const { certificate, version } = await store.load(signal);
    const because = certificate === undefined ? 'there was none' : dueBecause(certificate, names, clock.now());
    if (because === undefined) return certificate;
    const made = await issue({
      names,
      now: clock.now(),
      ...(certificate === undefined ? {} : { before: certificate }),
    });
    if (await store.save(made, version, signal)) {
      onIssued(because);
      return made;
    }
    return (await store.load(signal)).certificate;
  }
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** Somebody else issues (cert-manager, a chart): files that are read again each time. */
export class CertificateFileSource implements CertificateSource {
  readonly #files: CertificateFiles;

  constructor(files: CertificateFiles) {
    this.#files = files;
  }

  async current(): Promise<ServingCertificate> {
    const { certFile, keyFile, caFile } = this.#files;
    const [cert = '', key = '', ca = ''] = await Promise.all([certFile, keyFile, caFile].map(readPem));
    return { cert, key, ca };
  }
}

async function readPem(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('FILE_UNREADABLE', `reading the certificate file ${path}`, { cause });
  });
  if (text.includes('-----BEGIN ')) return text;
  throw new ForewarmError('CONFIG_INVALID', `${path} must hold PEM, and holds no BEGIN line`);
}
