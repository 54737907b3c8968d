import { webcrypto } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { importKey, loadX509, serialNumber, type X509 } from './issue.ts';
import type { Pki } from './pki.ts';

/** What a certificate signing request (PKCS #10) asks for. */
export interface RequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Alternative names by kind: `dns`, `ip`, `email`, `url` … */
  readonly names: readonly { readonly type: string; readonly value: string }[];
}

export interface SigningOptions {
  readonly usages: readonly string[];
  readonly seconds: number;
}

/** What controllers need of the certificate authority. */
export interface RequestSigner {
  /** Rejects for what is no request, or not signed with its own key. */
  read(requestPem: string): Promise<RequestFacts>;
  sign(requestPem: string, options: SigningOptions): Promise<string>;
}

/** Clocks of other machines may be behind (upstream's backdate). */
const backdateMs = 300_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export function requestSigner(pki: Pki, clock: Clock): RequestSigner {
  return {
    async read(requestPem) {
      const x509 = await loadX509();
      return factsOf(x509, await checkedRequest(x509, requestPem));
    },
    async sign(requestPem, { usages, seconds }) {
      const x509 = await loadX509();
      const request = await checkedRequest(x509, requestPem);
      const authority = new x509.X509Certificate(pki.authority.certPem);
      const endMs = Math.min(clock.now() + 1000 * seconds, authority.notAfter.getTime());
      const alternatives = alternativesOf(x509, request);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        notBefore: new Date(clock.now() - backdateMs),
        notAfter: new Date(endMs),
        subject: request.subjectName.toJSON(),
        issuer: authority.subjectName.toJSON(),
        publicKey: request.publicKey,
        signingKey: await importKey(x509, pki.authority.keyPem),
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          ...usageExtensions(x509, usages),
          ...(alternatives ? [alternatives] : []),
          await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
        ],
      });
      return `${certificate.toString('pem')}\n`;
    },
  };
}

async function checkedRequest(x509: X509, pem: string) {
  const request = new x509.Pkcs10CertificateRequest(pem);
  if (!(await request.verify(webcrypto as never))) throw new Error('its signature is not of its own key');
  return request;
}

type Request = InstanceType<X509['Pkcs10CertificateRequest']>;

const alternativesOf = (x509: X509, { extensions }: Request) =>
  extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension);

function factsOf(x509: X509, request: Request): RequestFacts {
  const alternatives = alternativesOf(x509, request);
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '',
    organizations: request.subjectName.getField('O'),
    names: (alternatives?.names.items ?? []).map(({ type, value }) => ({ type, value })),
  };
}

function usageExtensions(x509: X509, usages: readonly string[]) {
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const flags = usages.includes('key encipherment') ? digitalSignature | keyEncipherment : digitalSignature;
  const extended = [
    ...(usages.includes('client auth') ? [x509.ExtendedKeyUsage.clientAuth] : []),
    ...(usages.includes('server auth') ? [x509.ExtendedKeyUsage.serverAuth] : []),
  ];
  return [new x509.KeyUsagesExtension(flags, true), new x509.ExtendedKeyUsageExtension(extended)];
}
