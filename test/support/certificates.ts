import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import {
  type Extension,
  SubjectAlternativeNameExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

/** A CA of the test's own, which signs certificates of clients and servers. */
export interface TestAuthority {
  readonly pem: string;
  client(commonName: string, usage?: 'client' | 'server', days?: number): Promise<TestPair>;
  /** For an address. */
  server(address: string): Promise<TestPair>;
}

export async function testAuthority(name: string): Promise<TestAuthority> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    ...validity(3650),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const sign = async (commonName: string, days: number, extensions: Extension[]): Promise<TestPair> => {
    const own = await newKeys();
    const leaf = await X509CertificateGenerator.create({
      serialNumber: '02',
      subject: `CN=${commonName}`,
      issuer: `CN=${name}`,
      ...validity(days),
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions,
    });
    return { cert: leaf.toString('pem'), key: await pemOf(own.privateKey) };
  };
  const usages = { client: ExtendedKeyUsage.clientAuth, server: ExtendedKeyUsage.serverAuth } as const;
  return {
    pem: certificate.toString('pem'),
    client: (commonName, usage = 'client', days = 1) =>
      sign(commonName, days, [new ExtendedKeyUsageExtension([usages[usage]])]),
    server: (value) =>
      sign(value, 1, [
        new ExtendedKeyUsageExtension([usages.server]),
        new SubjectAlternativeNameExtension([{ type: 'ip', value }]),
      ]),
  };
}

/** Around now by the machine's clock, which is the one that TLS looks at. */
function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 2 * 86_400_000), notAfter: new Date(now + days * 86_400_000) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}
