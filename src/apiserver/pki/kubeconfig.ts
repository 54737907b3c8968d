import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { readIfThere, writeAtomically } from './files.ts';
import type { Subject } from './issue.ts';
import { issueClientCertificate, isUsable, type Pki } from './pki.ts';

export interface KubeconfigOptions {
  readonly path: string;
  /** `https://10.0.0.1:6443` */
  readonly server: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly clusterName: string;
  /** Default `admin`. */
  readonly userName?: string;
}

/** Writes a kubeconfig with everything inside it, for its owner's eyes only. */
export const writeKubeconfig = (options: KubeconfigOptions): Promise<void> =>
  writeAtomically(options.path, kubeconfigText(options), 0o600);

export interface EnsureKubeconfigOptions extends Subject {
  readonly path: string;
  readonly server: string;
  readonly clusterName: string;
  readonly clock: Clock;
}

/** Leaves a kubeconfig for this user and server that is still good as it is, else issues and writes one. */
export async function ensureKubeconfig(pki: Pki, options: EnsureKubeconfigOptions): Promise<void> {
  const { path, server, clusterName, clock, commonName, organizations = [] } = options;
  const there = await readIfThere(path);
  if (there !== undefined) {
    const certPem = embedded(there, 'client-certificate-data');
    const wanted = kubeconfigText({
      ...{ path, server, clusterName, certPem, caPem: pki.caPem, userName: commonName },
      keyPem: embedded(there, 'client-key-data'),
    });
    if (there === wanted && isUsable(certPem, pki.caPem, clock) && isFor(certPem, commonName, organizations)) return;
  }
  const pair = await issueClientCertificate({ pki, clock, commonName, organizations });
  await writeKubeconfig({ path, server, clusterName, caPem: pki.caPem, userName: commonName, ...pair });
}

/** A scalar of a kubeconfig that was written here. */
function embedded(text: string, field: string): string {
  const match = new RegExp(`^ *${field}: (.*)$`, 'm').exec(text);
  return Buffer.from(match?.[1] ?? '', 'base64').toString();
}

function isFor(certPem: string, commonName: string, organizations: readonly string[]): boolean {
  const lines = new X509Certificate(certPem).subject.split('\n');
  const wanted = [...organizations.map((organization) => `O=${organization}`), `CN=${commonName}`];
  return lines.length === wanted.length && wanted.every((line) => lines.includes(line));
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** JSON strings are YAML strings too. */
const quoted = (text: string) => JSON.stringify(text);

function kubeconfigText({
  server,
  caPem,
  certPem,
  keyPem,
  clusterName,
  userName = 'admin',
}: KubeconfigOptions): string {
  return `apiVersion: v1
kind: Config
current-context: ${quoted(clusterName)}
clusters:
- name: ${quoted(clusterName)}
  cluster:
    server: ${quoted(server)}
    certificate-authority-data: ${base64(caPem)}
contexts:
- name: ${quoted(clusterName)}
  context:
    cluster: ${quoted(clusterName)}
    user: ${quoted(userName)}
users:
- name: ${quoted(userName)}
  user:
    client-certificate-data: ${base64(certPem)}
    client-key-data: ${base64(keyPem)}
`;
}
