import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { ManualClock, systemClock } from '../base/clock.ts';
import type { ApiRequest } from '../base/exchange.ts';
import { http2Exchange } from './http2.ts';

const request = (url: string, more: Partial<ApiRequest> = {}): ApiRequest => ({
  method: 'GET',
  url,
  headers: {},
  signal: new AbortController().signal,
  ...more,
});

interface Peer {
  readonly server: Http2Server;
  readonly sessions: ServerHttp2Session[];
  readonly port: number;
}

async function serve(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, path: string, headers: IncomingHttpHeaders) => void,
  port = 0,
): Promise<Peer> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream as ServerHttp2Stream, String(headers[':path']), headers);
  });
  await listen(server, port);
  t.after(() => stop({ server, sessions }));
  return { server, sessions, port: (server.address() as AddressInfo).port };
}

async function listen(server: Server | Http2Server, port = 0): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

async function stop({ server, sessions }: Pick<Peer, 'server' | 'sessions'>): Promise<void> {
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
}

function connectTo(t: TestContext, port: number, more: object = {}) {
  const connection = http2Exchange({ server: `http://127.0.0.1:${port}`, clock: systemClock, ...more });
  t.after(() => connection.close());
  return connection;
}

/** Carries bytes to `port` until it is cut, which neither side is told. */
async function layCable(t: TestContext, port: number): Promise<{ port: number; cut: () => void }> {
  const sockets: Socket[] = [];
  const cable = createTcpServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {});
    sockets.push(near, far);
    near.pipe(far);
    far.pipe(near);
  });
  await listen(cable);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    cable.close();
  });
  const cut = () => {
    for (const socket of sockets) socket.unpipe();
  };
  return { port: (cable.address() as AddressInfo).port, cut };
}

const textOf = async (body: string | AsyncIterable<string>) =>
  typeof body === 'string' ? body : (await Array.fromAsync(body)).join('');

test('requests share one session; bodies, headers and the token arrive', async (t) => {
  const seen: string[] = [];
  const { port, sessions } = await serve(t, async (stream, path) => {
    const body = await text(stream);
    seen.push(`${path} ${body}`);
    stream.respond({ ':status': 201, 'x-answer': 'yes' });
    stream.end(`echo ${body}`);
  });
  const { exchange } = connectTo(t, port, { token: 'secret' });
  const answers = await Promise.all(
    ['/a', '/b', '/c'].map((path) => exchange(request(path, { method: 'POST', body: `body of ${path} ä` }))),
  );
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers['x-answer']]),
    Array(3).fill([201, 'yes']),
  );
  assert.deepEqual(await Promise.all(answers.map(({ body }) => textOf(body))), [
    'echo body of /a ä',
    'echo body of /b ä',
    'echo body of /c ä',
  ]);
  assert.deepEqual(seen.sort(), ['/a body of /a ä', '/b body of /b ä', '/c body of /c ä']);
  assert.equal(sessions.length, 1);
});

test('pieces of a stream come as the server writes them, and an abort cancels it there', async (t) => {
  let serverStream: ServerHttp2Stream | undefined;
  const { port } = await serve(t, (stream) => {
    serverStream = stream;
    stream.respond({ ':status': 200 });
    stream.write('one');
  });
  const { exchange } = connectTo(t, port);
  const controller = new AbortController();
  const { body } = await exchange(request('/watch', { signal: controller.signal }));
  const pieces = (body as AsyncIterable<string>)[Symbol.asyncIterator]();
  assert.deepEqual(await pieces.next(), { done: false, value: 'one' });
  serverStream!.write('two');
  assert.deepEqual(await pieces.next(), { done: false, value: 'two' });
  const closed = once(serverStream!, 'close');
  controller.abort();
  await assert.rejects(pieces.next(), /Aborted/);
  await closed;
});

test('a reader that leaves early cancels the stream at the server', async (t) => {
  let closed: Promise<unknown> | undefined;
  const { port } = await serve(t, (stream) => {
    closed = once(stream, 'close');
    stream.respond({ ':status': 200 });
    stream.write('one');
  });
  const { exchange } = connectTo(t, port);
  const { body } = await exchange(request('/watch'));
  for await (const _piece of body as AsyncIterable<string>) break;
  await closed;
});

test('a server that dies breaks its streams; the next request finds the one that came after', async (t) => {
  const answer = (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 });
    stream.write('x');
  };
  const first = await serve(t, answer);
  const { exchange } = connectTo(t, first.port);
  const { body } = await exchange(request('/watch'));
  const broken = assert.rejects(textOf(body));
  for (const session of first.sessions) session.socket.destroy();
  await broken;
  await stop(first);
  await assert.rejects(exchange(request('/')), /Talk to http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  await serve(t, answer, first.port);
  assert.equal((await exchange(request('/'))).status, 200);
});

test('a stream that the server resets does not pass for a complete one', async (t) => {
  const { port } = await serve(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half', () => stream.destroy(new Error('Something broke')));
  });
  const { exchange } = connectTo(t, port);
  const { body } = await exchange(request('/'));
  await assert.rejects(textOf(body));
});

test('a server that accepts but never speaks is given up at the connect timeout', async (t) => {
  const mute = createTcpServer((socket) => t.after(() => socket.destroy()));
  await listen(mute);
  t.after(() => mute.close());
  const clock = new ManualClock();
  const { port } = mute.address() as AddressInfo;
  // TLS, so that there is a handshake to wait for: with prior knowledge HTTP/2 is "connected" at once.
  const connection = http2Exchange({ server: `https://127.0.0.1:${port}`, clock });
  t.after(() => connection.close());
  const failed = assert.rejects(connection.exchange(request('/')), /No connection in time/);
  await clock.advance(5000);
  await failed;
});

test('a peer that falls silent is noticed by its missing answer to a ping', async (t) => {
  const { port } = await serve(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('x');
  });
  const cable = await layCable(t, port);
  const clock = new ManualClock();
  const { exchange } = connectTo(t, cable.port, { clock });
  const { body } = await exchange(request('/watch'));
  const pieces = (body as AsyncIterable<string>)[Symbol.asyncIterator]();
  await pieces.next();
  cable.cut();
  const broken = assert.rejects(pieces.next(), /No sign of life for 3000 ms/);
  await clock.advance(5000);
  await broken;
});

test('a closed connection refuses requests and leaves nothing running', async (t) => {
  const { port } = await serve(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }));
  const clock = new ManualClock();
  const connection = connectTo(t, port, { clock });
  assert.equal((await connection.exchange(request('/'))).status, 200);
  await connection.close();
  await assert.rejects(connection.exchange(request('/')), /The client is closed/);
  assert.equal(clock.pendingTimers, 0);
});

test('a token that is refused is read anew from its file for the next request', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'old\n');
  const seen: (string | undefined)[] = [];
  const { port } = await serve(t, (stream, _path, { authorization }) => {
    seen.push(authorization);
    stream.respond({ ':status': authorization === 'Bearer new' ? 200 : 401 }, { endStream: true });
  });
  const { exchange } = connectTo(t, port, { tokenFile });
  assert.equal((await exchange(request('/'))).status, 401);
  writeFileSync(tokenFile, 'new\n');
  assert.equal((await exchange(request('/'))).status, 200);
  assert.deepEqual(seen, ['Bearer old', 'Bearer new']);
});

test('a request that is aborted before it begins leaves no rejection behind when its connection fails', async (t) => {
  const unhandled = t.mock.fn();
  process.on('unhandledRejection', unhandled);
  t.after(() => process.off('unhandledRejection', unhandled));
  const server = createTcpServer();
  await listen(server);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { exchange } = connectTo(t, port);

  const reason = new Error('changed my mind');
  await assert.rejects(exchange(request('/', { signal: AbortSignal.abort(reason) })), reason);
  // Nobody listens there: loopback says so within the call, and Node within a few turns of the event loop.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(unhandled.mock.callCount(), 0);
});

test('of several servers the next one is asked when one is gone, refuses or has no store', async (t) => {
  const answer = (name: string, status: () => number) =>
    serve(t, (stream) => {
      stream.respond({ ':status': status() });
      stream.end(name);
    });
  let storeOfB = 503;
  const [a, b, c] = [await answer('a', () => 200), await answer('b', () => storeOfB), await answer('c', () => 200)];
  const url = ({ port }: Peer) => `http://127.0.0.1:${port}`;
  const hosts: string[] = [];
  const observer = { answered: ({ host }: { host: string }) => void hosts.push(host), read: () => {} };
  const more = { otherServers: [url(b), url(c)], observer };
  const { exchange } = connectTo(t, a.port, more);
  const ask = async () => {
    const { body } = await exchange(request('/'));
    return typeof body === 'string' ? body : text(body);
  };
  assert.equal(await ask(), 'a');
  assert.equal(await ask(), 'a', 'one that answers is kept');
  const gone = once(a.sessions[0]!, 'close');
  await stop(a);
  await gone;
  // What was under way when the connection broke may have been done: the caller decides, and asks again.
  await assert.doesNotReject(async () => {
    while ((await ask().catch(() => 'lost')) !== 'b');
  });
  assert.equal(await ask(), 'c', 'b has said 503');
  storeOfB = 200;
  await stop(c);
  const found = new Set<string>();
  while (!found.has('b')) found.add(await ask().catch(() => 'lost'));
  assert.equal(hosts.at(-1), `127.0.0.1:${b.port}`);
});

test('with every server gone the request fails, after each was tried once', async (t) => {
  const gone = await serve(t, () => {});
  await stop(gone);
  const other = `http://127.0.0.1:${gone.port}`;
  let asked = 0;
  const more = { otherServers: [other, other], observer: { answered: () => void asked++, read: () => {} } };
  const { exchange } = connectTo(t, gone.port, more);
  await assert.rejects(exchange(request('/')), /ECONNREFUSED/);
  assert.equal(asked, 1);
});
