import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf, UsageError } from '../../base/errors.ts';
import { parseServiceCidrs } from '../allocation/address-range.ts';
import { generateSigningKey } from '../authentication/signing-keys.ts';
import { readIfThere, writeAtomically } from './files.ts';
import { issue, type KeyPair, type Subject, type Validity } from './issue.ts';

export interface PkiOptions {
  /** Made with mode 0700 where it is missing; holds ca.crt, ca.key, server.crt, server.key. */
  readonly dir: string;
  /** Further names and addresses under which clients reach the server. */
  readonly names?: readonly string[];
  readonly addresses: readonly string[];
  /** Its first address is the `kubernetes` Service's, under which Pods reach the server. Default `10.96.0.0/16`. */
  readonly serviceCidr?: string;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  readonly clock: Clock;
}

export interface Pki {
  /** The authority's certificate, for everybody. */
  readonly caPem: string;
  readonly authority: KeyPair;
  /** The API server's own. */
  readonly server: KeyPair;
}

const dayMs = 86_400_000;
const caDays = 3_650;
const leafDays = 365;
/** Clocks of other machines may be behind. */
const skewMs = 3_600_000;
/** A certificate with less left than this is made anew. */
const renewalMs = 30 * dayMs;

/** What Pods call the API server; `kubernetes.default.svc` is what client libraries connect to. */
const serviceNames = (domain: string) => {
  const service = 'kubernetes.default.svc';
  return ['localhost', 'kubernetes', 'kubernetes.default', service, `${service}.${domain}`];
};

/**
 * Creates the cluster's certificate authority and the server's certificate, or uses those that are there: as long as
 * they fit, nothing is written. Throws UsageError where what is there cannot be used.
 */
export async function ensurePki(options: PkiOptions): Promise<Pki> {
  const { dir, clock } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const ca = await ensureAuthority(dir, clock);
  const server = await ensureServer(dir, ca, options);
  return { caPem: ca.certPem, authority: ca, server };
}

/** A user's certificate: the common name is who they are, the organizations are their groups. */
export const issueClientCertificate = ({
  pki,
  clock,
  ...subject
}: Subject & { readonly pki: Pki; readonly clock: Clock }): Promise<KeyPair> =>
  issue(subject, 'client', validity(clock, leafDays), pki.authority);

/** The key that signs ServiceAccount tokens, as PEM; made at the first start. */
export async function ensureSigningKey(dir: string): Promise<string> {
  const file = join(dir, 'sa.key');
  const there = await readIfThere(file);
  if (there !== undefined) return there;
  const made = generateSigningKey();
  await writeAtomically(file, made, 0o600);
  return made;
}

async function ensureAuthority(dir: string, clock: Clock): Promise<KeyPair> {
  const there = await readPair(dir, 'ca');
  if (there) {
    checkAuthority(there, dir, clock);
    return there;
  }
  const ca = await issue({ commonName: 'signalbox-ca' }, 'ca', validity(clock, caDays), undefined);
  await writePair(dir, 'ca', ca);
  return ca;
}

function checkAuthority({ certPem }: KeyPair, dir: string, clock: Clock): void {
  const operation = `Use the certificate authority in ${dir}`;
  const hint = 'Remove ca.crt and ca.key to make a new one; all kubeconfigs must then be made anew too';
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certPem);
  } catch (error) {
    throw new UsageError(operation, `ca.crt does not read as a certificate: ${messageOf(error)}`, hint);
  }
  if (certificate.validToDate.getTime() <= clock.now())
    throw new UsageError(operation, `ca.crt ended on ${certificate.validTo}`, hint);
}

async function ensureServer(dir: string, ca: KeyPair, options: PkiOptions): Promise<KeyPair> {
  const names = unique([...serviceNames(options.clusterDomain ?? 'cluster.local'), ...(options.names ?? [])]);
  const serviceAddress = parseServiceCidrs(options.serviceCidr ?? '10.96.0.0/16')[0]!.at(0);
  const addresses = unique(['127.0.0.1', serviceAddress, ...options.addresses]);
  const there = await readPair(dir, 'server');
  const wanted = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP Address:${address}`)];
  if (there && isUsable(there.certPem, ca.certPem, options.clock) && coversAll(there.certPem, wanted)) return there;
  const server = await issue(
    { commonName: 'kube-apiserver' },
    { names, addresses },
    validity(options.clock, leafDays),
    ca,
  );
  await writePair(dir, 'server', server);
  return server;
}

/** Whether the authority vouches for the certificate, and will for a while yet. */
export function isUsable(certPem: string, caPem: string, clock: Clock): boolean {
  try {
    const certificate = new X509Certificate(certPem);
    const vouched = certificate.verify(new X509Certificate(caPem).publicKey);
    return vouched && certificate.validToDate.getTime() > clock.now() + renewalMs;
  } catch {
    // What does not parse is replaced like what has expired.
    return false;
  }
}

function coversAll(certPem: string, wanted: readonly string[]): boolean {
  const covered = new Set(new X509Certificate(certPem).subjectAltName?.split(', '));
  return wanted.every((name) => covered.has(name));
}

/** Half a pair is a start that was broken off: it is made anew. */
async function readPair(dir: string, name: string): Promise<KeyPair | undefined> {
  const [certPem, keyPem] = await Promise.all([
    readIfThere(join(dir, `${name}.crt`)),
    readIfThere(join(dir, `${name}.key`)),
  ]);
  return certPem !== undefined && keyPem !== undefined ? { certPem, keyPem } : undefined;
}

/** The certificate comes last: where it is, the key is. */
async function writePair(dir: string, name: string, { certPem, keyPem }: KeyPair): Promise<void> {
  await writeAtomically(join(dir, `${name}.key`), keyPem, 0o600);
  await writeAtomically(join(dir, `${name}.crt`), certPem, 0o644);
}

const validity = (clock: Clock, days: number): Validity => ({
  notBefore: new Date(clock.now() - skewMs),
  notAfter: new Date(clock.now() + days * dayMs),
});

const unique = (texts: readonly string[]) => [...new Set(texts)];
