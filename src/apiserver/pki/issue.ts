import { webcrypto } from 'node:crypto';

/** A certificate and its private key (PKCS #8), both as PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Subject {
  readonly commonName: string;
  /** Kubernetes reads them as the user's groups. */
  readonly organizations?: readonly string[];
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export type Usage = 'ca' | { readonly names: readonly string[]; readonly addresses: readonly string[] } | 'client';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The library takes long to load, and a start with all certificates in place needs none of it. */
export async function loadX509() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
export type X509 = Awaited<ReturnType<typeof loadX509>>;

/** @param issuer whose key signs; absent: its own */
export async function issue(
  subject: Subject,
  usage: Usage,
  validity: Validity,
  issuer: KeyPair | undefined,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = issuer && new x509.X509Certificate(issuer.certPem);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    ...validity,
    subject: nameOf(subject),
    issuer: authority ? authority.subjectName.toJSON() : nameOf(subject),
    publicKey: keys.publicKey,
    signingKey: issuer ? await importKey(x509, issuer.keyPem) : keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...extensionsFor(x509, usage),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority ? authority.publicKey : keys.publicKey),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` };
}

export const importKey = (x509: X509, pem: string) =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), algorithm, false, ['sign']);

const nameOf = ({ commonName, organizations = [] }: Subject) => [
  ...organizations.map((organization) => ({ O: [organization] })),
  { CN: [commonName] },
];

/** RFC 5280, section 4.1.2.2: positive, at most 20 octets. */
export function serialNumber(): string {
  const octets = webcrypto.getRandomValues(Buffer.alloc(16));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return octets.toString('hex');
}

function extensionsFor(x509: X509, usage: Usage) {
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  if (usage === 'ca')
    return [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
    ];
  const common = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(digitalSignature, true),
  ];
  if (usage === 'client') return [...common, new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])];
  const names = usage.names.map((value) => ({ type: 'dns' as const, value }));
  const addresses = usage.addresses.map((value) => ({ type: 'ip' as const, value }));
  return [
    ...common,
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([...names, ...addresses]),
  ];
}
