import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import https from 'node:https';
import { messageOf, OperatingError, UsageError } from '../base/errors.ts';
import { clusterInfoPlace } from './cluster-info.ts';

/** A bootstrap token: `ID.SECRET`. Throws UsageError. */
export function parseBootstrapToken(token: string): { id: string; secret: string } {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? [];
  if (id && secret) return { id, secret };
  // What was given may be secret in part: it is not repeated.
  throw new UsageError('Read --token', 'it is not of the form abcdef.0123456789abcdef', 'signalbox token create');
}

/** `sha256:` and the hash of a certificate's public key (RFC 7469): how kubeadm pins the authority. */
export const caCertHash = (caPem: string): string => {
  const der = new X509Certificate(caPem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
};

export interface DiscoveryOptions {
  /** `https://192.0.2.1:6443` */
  readonly server: string;
  readonly token: string;
  /** One of them must be the authority's. */
  readonly caCertHashes: readonly string[];
}

/**
 * The authority's certificate, from a server that is not known yet. What it says is believed for two reasons together: it is
 * signed with the token that we were given, and the certificate has the hash that we were given.
 */
export async function discoverAuthority({ server, token, caCertHashes }: DiscoveryOptions): Promise<string> {
  const { id, secret } = parseBootstrapToken(token);
  const data = await readClusterInfo(server);
  const operation = `Trust the server at ${server}`;
  const { kubeconfig = '', [`jws-kubeconfig-${id}`]: signature } = data;
  if (signature === undefined)
    throw new OperatingError(operation, 'unsigned', `its cluster-info is not signed for token ${id}: is it over?`);
  if (!isSignedBy(kubeconfig, signature, secret))
    throw new OperatingError(operation, 'forged', `its cluster-info is not signed with the secret of token ${id}`);
  const [, encoded = ''] = /certificate-authority-data: *(\S+)/.exec(kubeconfig) ?? [];
  const caPem = Buffer.from(encoded, 'base64').toString();
  const found = hashOrNone(caPem);
  if (!caCertHashes.includes(found))
    throw new OperatingError(
      operation,
      'untrusted',
      `its authority has ${found}, not one of ${caCertHashes.join(', ')}`,
    );
  return caPem;
}

function hashOrNone(caPem: string): string {
  try {
    return caCertHash(caPem);
  } catch {
    return 'no certificate';
  }
}

function isSignedBy(payload: string, detached: string, secret: string): boolean {
  const [header = '', body, signature = ''] = detached.split('.');
  if (body !== '') return false;
  const text = `${header}.${Buffer.from(payload).toString('base64url')}`;
  const expected = createHmac('sha256', secret).update(text).digest();
  const given = Buffer.from(signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Without looking at the server's certificate, and without saying anything that is secret. */
function readClusterInfo(server: string): Promise<Record<string, string>> {
  const { namespace, name } = clusterInfoPlace;
  const url = new URL(`/api/v1/namespaces/${namespace}/configmaps/${name}`, server);
  const fail = (state: string) => new OperatingError(`Read ${url}`, 'failed', state);
  return new Promise((resolve, reject) => {
    const request = https.get(url, { rejectUnauthorized: false, timeout: 10_000, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', (error) => reject(fail(messageOf(error))));
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(fail(`the server answers ${response.statusCode}`));
        try {
          resolve(JSON.parse(text).data ?? {});
        } catch {
          reject(fail('the answer is no JSON'));
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
    request.on('error', (error) => reject(fail(messageOf(error))));
  });
}
