// The next import needs it to load (its container library reads metadata).
import 'reflect-metadata';
import { createPrivateKey, X509Certificate, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Instant } from '../../core/model/units.ts';
import type { ServingCertificate } from '../../ports/metrics-door.ts';

export interface IssueOptions {
  /** DNS names or addresses; the first is also the common name. */
  readonly names: readonly [string, ...string[]];
  readonly now: Instant;
  /** What was served before: its CA signs again while it may. */
  readonly before?: ServingCertificate;
  /** @default 90 */
  readonly leafDays?: number;
  /** @default 3650 */
  readonly caDays?: number;
}

const dayMilliseconds = 86_400_000;
/** Clocks differ: a certificate is valid a little before it was made. */
const backdatedMilliseconds = 5 * 60_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate for these names, under the CA that was there or a new one. */
export async function issue(options: IssueOptions): Promise<ServingCertificate> {
  const { names, now, before, leafDays = 90, caDays = 3650 } = options;
  const authority = (await reusable(before, now)) ?? (await newAuthority(now, caDays));
  const keys = await generateKeys();
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${names[0]}`,
    issuer: authority.name,
    ...validity(now, leafDays),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: algorithm,
    extensions: await leafExtensions(names, keys.publicKey, authority.publicKey),
  });
  // Whoever still holds the old CA's certificate is believed until it ends.
  const bundle =
    authority.isNew && before !== undefined ? `${authority.pem}${before.ca}` : (before?.ca ?? authority.pem);
  const caKey = await privatePem(authority.key);
  return { ca: bundle, caKey, cert: pemText(leaf.toString('pem')), key: await privatePem(keys.privateKey) };
}

/** Why the certificate must be made anew, or undefined while two thirds of its life are not over. */
export function dueBecause(
  certificate: ServingCertificate,
  names: readonly string[],
  now: Instant,
): string | undefined {
  try {
    const leaf = new X509Certificate(certificate.cert);
    const authority = new X509Certificate(certificate.ca);
    if (!leaf.checkPrivateKey(createPrivateKey(certificate.key))) return 'its key is another one';
    if (!leaf.verify(authority.publicKey)) return 'its CA did not sign it';
    const missing = names.find((name) => !isFor(leaf, name));
    if (missing !== undefined) return `it is not for ${missing}`;
    return isPastTwoThirds(leaf, now) ? `it ends on ${leaf.validTo}` : undefined;
  } catch (err) {
    return `it cannot be read: ${err instanceof Error ? err.message : String(err)}`;
  }
}

export function endOf(certificate: Pick<ServingCertificate, 'cert'>): number {
  return Date.parse(new X509Certificate(certificate.cert).validTo);
}

function isFor(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined;
}

function isPastTwoThirds(certificate: X509Certificate, now: number): boolean {
  const from = Date.parse(certificate.validFrom);
  return now - from > ((Date.parse(certificate.validTo) - from) * 2) / 3;
}

interface Authority {
  readonly name: string;
  readonly pem: string;
  readonly key: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
  readonly isNew: boolean;
}

const authorityName = 'CN=forewarm-serving-ca';

async function newAuthority(now: number, days: number): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: authorityName,
    ...validity(now, days),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = pemText(certificate.toString('pem'));
  return { name: authorityName, pem, key: keys.privateKey, publicKey: keys.publicKey, isNew: true };
}

/** The CA that signed before, when its key is here and it has a third of its life left. */
async function reusable(before: ServingCertificate | undefined, now: number): Promise<Authority | undefined> {
  if (before?.caKey === undefined) return undefined;
  try {
    const certificate = new X509Certificate(before.ca);
    if (isPastTwoThirds(certificate, now)) return undefined;
    const key = createPrivateKey(before.caKey);
    if (!certificate.checkPrivateKey(key)) return undefined;
    const { subtle } = webcrypto;
    const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    return {
      name: authorityName,
      pem: pemText(certificate.toString()),
      key: await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
      publicKey: await subtle.importKey('spki', spki, algorithm, true, ['verify']),
      isNew: false,
    };
  } catch {
    return undefined; // what cannot be read is replaced
  }
}

async function leafExtensions(
  names: readonly string[],
  publicKey: webcrypto.CryptoKey,
  authorityKey: webcrypto.CryptoKey,
): Promise<Extension[]> {
  const general = names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(general),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(authorityKey),
  ];
}

function validity(now: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(now - backdatedMilliseconds), notAfter: new Date(now + days * dayMilliseconds) };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** Positive and at most 20 bytes, as Go demands. */
function serial(): string {
  return `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

function pemText(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
