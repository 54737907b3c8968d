import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { CertificateWish } from '../../client/mod.ts';
import { readIfPresent, writeAtomic } from '../files.ts';

/** Certificate and key in one file, which is replaced whole, as kubelet has it: no reader sees half of a new pair. */
export const certificateFile = (stateDir: string): string => path.join(stateDir, 'pki', 'client-current.pem');

export function saveCertificate(stateDir: string, certPem: string, keyPem: string): void {
  const file = certificateFile(stateDir);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeAtomic(file, `${certPem.trimEnd()}\n${keyPem.trimEnd()}\n`);
}

/** What an agent asks for. */
export const agentWish = (nodeName: string, expirationSeconds?: number): CertificateWish => ({
  commonName: `system:node:${nodeName}`,
  organizations: ['system:nodes'],
  signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
  usages: ['digital signature', 'client auth'],
  ...(expirationSeconds !== undefined && { expirationSeconds }),
});

/** The saved certificate, if it is this node's and not over. */
export function savedCertificate(stateDir: string, nodeName: string, clock: Clock): X509Certificate | undefined {
  const text = readIfPresent(certificateFile(stateDir));
  if (text === undefined) return undefined;
  try {
    const certificate = new X509Certificate(text);
    const isOurs = certificate.subject.split('\n').includes(`CN=system:node:${nodeName}`);
    return isOurs && certificate.validToDate.getTime() > clock.now() ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/**
 * When to ask for the next one: after 70 to 90 % of its life, each node at another moment (kubelet's certificate manager).
 * @param jitter in [0, 1)
 */
export function renewalAtMs({ validFromDate, validToDate }: X509Certificate, jitter: number): number {
  const startMs = validFromDate.getTime();
  return startMs + (0.7 + 0.2 * jitter) * (validToDate.getTime() - startMs);
}
