import { X509Certificate } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { messageOf, UsageError } from '../../base/errors.ts';
import { HttpsConnection } from './https-connection.ts';
import { StreamConnection } from './stream-connection.ts';
import type { ConnectionHooks, PooledConnection } from './stream-pool.ts';
import { socketAddressText, type UpstreamTarget } from './upstreams.ts';

/** Files in PEM, as `tls` of a Corefile names them. */
export interface TlsFiles {
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Default: the authorities that the machine trusts. */
  readonly caFile?: string;
}

/**
 * Opens connections to one resolver. TLS sessions are resumed: a second handshake is cheaper (RFC 7858 section 3.4).
 * `method` is how questions are sent over HTTPS.
 */
export function opener(
  target: UpstreamTarget,
  method: 'GET' | 'POST',
  context: () => SecureContext,
): (hooks: ConnectionHooks) => PooledConnection {
  const { address: host, port, transport, serverName, path = '/dns-query' } = target;
  if (transport === 'dns') {
    return (hooks) => new StreamConnection({ ...hooks, socket: connectTcp({ host, port }) });
  }
  let session: Buffer | undefined;
  const connect = (ALPNProtocols?: string[]) => {
    const socket = connectTls({
      host,
      port,
      secureContext: context(),
      // An address is no server name (RFC 6066 section 3); without a name the certificate must bear the address.
      ...(serverName && { servername: serverName }),
      ...(session && { session }),
      ...(ALPNProtocols && { ALPNProtocols }),
    });
    socket.on('session', (latest) => {
      session = latest;
    });
    return socket;
  };
  if (transport === 'tls') return (hooks) => new StreamConnection({ ...hooks, socket: connect() });
  const authority = serverName ?? socketAddressText(target);
  return (hooks) => {
    const http = connectHttp2(`https://${authority}`, { createConnection: () => connect(['h2']) });
    return new HttpsConnection({ ...hooks, session: http, authority, path, method });
  };
}

/** Throws UsageError that names the file. */
export function readTlsContext(files: TlsFiles, read: (path: string) => string): SecureContext {
  const ca = files.caFile === undefined ? machineAuthorities() : part(files.caFile, read, checkCertificate);
  const cert = files.certFile === undefined ? undefined : part(files.certFile, read, checkCertificate);
  const key = files.keyFile === undefined ? undefined : part(files.keyFile, read);
  try {
    return createSecureContext({ ca, minVersion: 'TLSv1.2', ...(cert && { cert }), ...(key && { key }) });
  } catch (error) {
    const place = [files.certFile, files.keyFile, files.caFile].filter((file) => file !== undefined).join(', ');
    throw new UsageError(
      `Read TLS files ${place}`,
      messageOf(error),
      'The key must be that of the certificate, in PEM',
    );
  }
}

/** An image may have no list of authorities; then those that Node.js brings. */
function machineAuthorities(): string[] {
  const system = getCACertificates('system');
  return system.length > 0 ? system : getCACertificates('bundled');
}

const checkCertificate = (text: string) => void new X509Certificate(text);

function part(path: string, read: (path: string) => string, check: (text: string) => void = () => {}): string {
  try {
    const text = read(path);
    check(text);
    return text;
  } catch (error) {
    throw new UsageError(`Read TLS file ${path}`, messageOf(error), 'It must be a file in PEM');
  }
}
