/**
 * The program behind the image `serve_hostname`: answers every request with its host name, as the image that
 * Kubernetes' own examples use does (test/images/agnhost, serve-hostname: same flags, same answers).
 *
 * On SIGTERM it goes on serving for a while, since connections still come until every proxy has heard that the Pod is
 * leaving; then it stops listening, lets open requests finish and exits with 0.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

interface Listener {
  close(done: () => void): void;
}

const lingerMs = 3000;

const switches = { http: { type: 'boolean' }, tcp: { type: 'boolean' }, udp: { type: 'boolean' } } as const;
// Go's flag package takes one hyphen or two, and `-http=false`.
const words = process.argv.slice(2).map((word) => (/^-[a-z]/.test(word) ? `-${word}` : word));
const { values } = parseArgs({
  args: words.flatMap((word) => {
    const [, name, value] = /^--(http|tcp|udp)=(true|false)$/.exec(word) ?? [];
    return name === undefined ? [word] : [value === 'true' ? `--${name}` : `--no-${name}`];
  }),
  options: { ...switches, port: { type: 'string', default: '9376' } },
  allowNegative: true,
});
const port = Number(values.port);
const name = hostname();

let leaving = false;
const listeners: Listener[] = [];
if (values.http ?? !(values.tcp || values.udp)) listeners.push(serveHttp());
if (values.tcp) listeners.push(serveTcp());
if (values.udp) listeners.push(serveUdp());

process.once('SIGTERM', () => {
  leaving = true;
  setTimeout(() => {
    for (const listener of listeners) listener.close(() => {});
  }, lingerMs);
});

function serveHttp(): Listener {
  const server = createHttpServer((_request, response) => {
    // A client that keeps its connection open is to find another Pod for its next request.
    if (leaving) response.setHeader('connection', 'close');
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(name) });
    response.end(name);
  });
  server.listen(port);
  return {
    close(done) {
      server.close(done);
      server.closeIdleConnections();
    },
  };
}

function serveTcp(): Listener {
  const server = createTcpServer((socket) => {
    // A client that resets the connection is no reason to die.
    socket.on('error', () => {});
    socket.end(name);
  });
  server.listen(port);
  return { close: (done) => server.close(done) };
}

function serveUdp(): Listener {
  const socket = createSocket('udp4');
  socket.on('message', (_message, from) => socket.send(name, from.port, from.address));
  socket.bind(port);
  return { close: (done) => socket.close(done) };
}
