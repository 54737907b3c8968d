import { webcrypto } from 'node:crypto';
import { type Clock, sleep } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { CertificateSigningRequest } from '../kube/port.ts';
import type { Client } from './port.ts';

export interface CertificateWish {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** `kubernetes.io/kube-apiserver-client-kubelet` */
  readonly signerName: string;
  readonly usages: readonly string[];
  /** Left out: as long as the signer gives. */
  readonly expirationSeconds?: number;
}

export interface ObtainOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when the request waits for somebody's approval. */
  readonly onWaiting?: (requestName: string) => void;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const pollMs = 500;
/** Automatic approval takes a moment; after that it is people who have to look. */
const quickMs = 5_000;

/** Makes a key, asks the cluster for a certificate of it, and waits until it is signed. Rejects when it is refused. */
export async function obtainCertificate(
  wish: CertificateWish,
  { client, clock, signal, onWaiting }: ObtainOptions,
): Promise<{ certPem: string; keyPem: string }> {
  const { requestPem, keyPem } = await makeRequest(wish);
  const { signerName, usages, expirationSeconds } = wish;
  const created = await client.create(CertificateSigningRequest, {
    metadata: { generateName: 'node-csr-' },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName,
      usages: [...usages] as never,
      ...(expirationSeconds !== undefined && { expirationSeconds }),
    },
  });
  const { name } = created.metadata;
  const startMs = clock.monotonicMs();
  let isTold = false;
  for (;;) {
    const { status } = await client.get(CertificateSigningRequest, name, { signal });
    if (status?.certificate) return { certPem: Buffer.from(status.certificate, 'base64').toString(), keyPem };
    const no = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (no) throw new OperatingError(`Get a certificate by ${name}`, no.type.toLowerCase(), no.message || no.type);
    if (!isTold && clock.monotonicMs() - startMs >= quickMs) {
      isTold = true;
      onWaiting?.(name);
    }
    await sleep(clock, pollMs, signal);
    signal.throwIfAborted();
  }
}

/** The library takes long to load, and is seldom needed. */
async function makeRequest({ commonName, organizations }: CertificateWish) {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { requestPem: request.toString('pem'), keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` };
}
