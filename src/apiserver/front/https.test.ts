import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../../base/clock.ts';
import type { Exchange } from '../../base/exchange.ts';
import { silentLogger } from '../../base/log.ts';
import type { KeyPair } from '../pki/issue.ts';
import { ensurePki, issueClientCertificate, type Pki } from '../pki/pki.ts';
import { startTestServer } from '../test-server.ts';
import { type HttpsFront, serveHttps } from './https.ts';

const clock = systemClock;
let folder: string;
let pki: Pki;
let admin: KeyPair;
let stranger: KeyPair;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-https-'));
  pki = await ensurePki({ dir: path.join(folder, 'pki'), addresses: [], clock });
  admin = await issueClientCertificate({ pki, clock, commonName: 'admin', organizations: ['system:masters', 'more'] });
  const otherPki = await ensurePki({ dir: path.join(folder, 'other'), addresses: [], clock });
  stranger = await issueClientCertificate({
    pki: otherPki,
    clock,
    commonName: 'admin',
    organizations: ['system:masters'],
  });
});
after(() => rm(folder, { recursive: true, force: true }));

async function startFront(t: TestContext, answer?: Exchange): Promise<HttpsFront> {
  const server = answer ? { answer, authenticate: () => undefined } : (await startTestServer(t)).server;
  const front = await serveHttps(server, { address: '127.0.0.1', port: 0, pki, clock, log: silentLogger });
  t.after(() => front.close());
  return front;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}
interface Asking {
  readonly method?: string;
  readonly identity?: KeyPair | undefined;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

const credentials = (identity: KeyPair | undefined) => ({
  ca: pki.caPem,
  ...(identity && { cert: identity.certPem, key: identity.keyPem }),
});

/** Over HTTP/1.1, one connection each. */
function ask(port: number, url: string, { method = 'GET', identity, headers, body }: Asking = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: url, method, headers, agent: false, ...credentials(identity) };
    const request = https.request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function connectHttp2(t: TestContext, port: number, identity: KeyPair): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`https://127.0.0.1:${port}`, credentials(identity));
  t.after(() => session.destroy());
  await once(session, 'connect');
  return session;
}

async function askHttp2(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: Buffer | string) {
  const stream = session.request(headers, { endStream: body === undefined });
  stream.on('error', () => {});
  if (body !== undefined) stream.end(body);
  const [answer] = await once(stream, 'response');
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) text += piece;
  return { status: Number(answer[':status']), text };
}

const echoUser: Exchange = async ({ user }) => ({ status: 200, headers: {}, body: JSON.stringify(user) });

describe('who is asking', () => {
  test('the client certificate names the user and the groups', async (t) => {
    const { port } = await startFront(t, echoUser);
    const { text } = await ask(port, '/', { identity: admin });
    assert.deepEqual(JSON.parse(text), { name: 'admin', groups: ['system:masters', 'more', 'system:authenticated'] });
  });

  test('without one, only the health and version pages are answered', async (t) => {
    const { port } = await startFront(t);
    for (const url of ['/healthz', '/livez', '/readyz', '/version'])
      assert.equal((await ask(port, url)).status, 200, url);
    for (const url of ['/api/v1/pods', '/api', '/openapi/v3']) {
      const { status, text } = await ask(port, url);
      assert.equal(status, 403, url);
      assert.equal(JSON.parse(text).kind, 'Status');
    }
    assert.match((await ask(port, '/api/v1/pods')).text, /User \\"system:anonymous\\" cannot list resource \\"pods\\"/);
  });

  test('a certificate of another authority, or a token, is refused', async (t) => {
    const { port } = await startFront(t);
    assert.equal((await ask(port, '/healthz', { identity: stranger })).status, 401);
    const headers = { authorization: 'Bearer abc' };
    const { status, text } = await ask(port, '/healthz', { headers });
    assert.deepEqual([status, JSON.parse(text).reason], [401, 'Unauthorized']);
  });

  test('a certificate that is for serving is no client’s', async (t) => {
    const { port } = await startFront(t, echoUser);
    assert.equal((await ask(port, '/', { identity: pki.server })).status, 401);
  });

  test('a bearer token names the user; one that nobody knows, or another scheme, is refused', async (t) => {
    const joe = { name: 'joe', groups: [] };
    const authenticate = (token: string) => (token === 'abc' ? joe : undefined);
    const options = { address: '127.0.0.1', port: 0, pki, clock, log: silentLogger };
    const front = await serveHttps({ answer: echoUser, authenticate }, options);
    t.after(() => front.close());
    const say = (authorization: string, identity?: KeyPair) =>
      ask(front.port, '/', { headers: { authorization }, identity });
    for (const header of ['Bearer abc', 'bearer  abc ']) assert.deepEqual(JSON.parse((await say(header)).text), joe);
    for (const header of ['Bearer abd', 'Bearer', 'Bearer abc abc', 'Basic YWJjOmFiYw==', 'abc'])
      assert.equal((await say(header)).status, 401, header);
    assert.equal(JSON.parse((await say('Bearer abc', admin)).text).name, 'admin');
  });

  test('Impersonate headers arrive as they were sent, each value for itself', async (t) => {
    const { port } = await startFront(t, async ({ impersonate }) => ({
      status: 200,
      headers: {},
      body: JSON.stringify(impersonate ?? null),
    }));
    const headers = {
      'Impersonate-User': 'jane',
      'Impersonate-Group': ['a, b', 'c'],
      'Impersonate-Uid': '7',
      'Impersonate-Extra-Example.com%2fScopes': ['x', 'y'],
    } as unknown as Record<string, string>;
    const wanted = { user: 'jane', groups: ['a, b', 'c'], uid: '7', extra: { 'example.com/scopes': ['x', 'y'] } };
    assert.deepEqual(JSON.parse((await ask(port, '/', { identity: admin, headers })).text), wanted);
    const session = await connectHttp2(t, port, admin);
    const second = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    assert.deepEqual(JSON.parse((await askHttp2(session, { ':path': '/', ...second })).text), wanted);
    assert.equal((await ask(port, '/', { identity: admin })).text, 'null');
    const groupsAlone = { 'Impersonate-Group': 'a' };
    assert.equal(JSON.parse((await ask(port, '/', { identity: admin, headers: groupsAlone })).text).user, '');
  });

  test('a resumed TLS session is still the same user', async (t) => {
    const { port } = await startFront(t, echoUser);
    const connect = (session?: Buffer) =>
      tls.connect({ host: '127.0.0.1', port, ...credentials(admin), ...(session && { session }) });
    const first = connect();
    const [session] = await once(first, 'session');
    first.destroy();
    const second = connect(session);
    await once(second, 'secureConnect');
    assert.equal(second.isSessionReused(), true);
    second.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    let text = '';
    for await (const piece of second.setEncoding('utf8')) text += piece;
    assert.match(text, /"name":"admin"/);
  });
});

describe('both versions of HTTP', () => {
  test('HTTP/2 carries many requests over one connection', async (t) => {
    const front = await startFront(t);
    const session = await connectHttp2(t, front.port, admin);
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => askHttp2(session, { ':path': '/api/v1/namespaces' })),
    );
    assert(replies.every(({ status, text }) => status === 200 && JSON.parse(text).items.length === 4));
    assert.equal(front.connectionCount, 1);
  });

  test('HEAD is GET without the body', async (t) => {
    const { port } = await startFront(t);
    assert.deepEqual(await ask(port, '/healthz', { method: 'HEAD' }), { status: 200, text: '' });
  });

  test('a watch arrives piece by piece, and its end is noticed on both sides', async (t) => {
    let left = 0;
    const pieces: ((piece: string | undefined) => void)[] = [];
    const { port } = await startFront(t, async ({ signal }) => {
      signal.addEventListener('abort', () => left++);
      async function* body() {
        for (;;) {
          const piece = await new Promise<string | undefined>((resolve) => pieces.push(resolve));
          if (piece === undefined) return;
          yield piece;
        }
      }
      return { status: 200, headers: { 'content-type': 'application/json' }, body: body() };
    });
    const session = await connectHttp2(t, port, admin);
    const stream = session.request({ ':path': '/api/v1/pods?watch=1' });
    await once(stream, 'response');
    const send = async (piece: string | undefined) => {
      while (pieces.length === 0) await new Promise((resolve) => setImmediate(resolve));
      pieces.shift()!(piece);
    };
    stream.setEncoding('utf8');
    for (const line of ['one\n', 'two\n']) {
      await send(line);
      assert.deepEqual(await once(stream, 'data'), [line]);
    }
    await send(undefined);
    await once(stream.resume(), 'end');
    const other = session.request({ ':path': '/api/v1/pods?watch=1' });
    await once(other, 'response');
    const before = left;
    other.close();
    while (left === before) await new Promise((resolve) => setImmediate(resolve));
  });

  test('a reader that stops reading is waited for, not buffered for', async (t) => {
    let sent = 0;
    const line = 'x'.repeat(65_536);
    const { port } = await startFront(t, async () => {
      async function* body() {
        for (; sent < 2_000; sent++) yield line;
      }
      return { status: 200, headers: {}, body: body() };
    });
    const session = await connectHttp2(t, port, admin);
    const stream = session.request({ ':path': '/' });
    await once(stream, 'response');
    let steady = 0;
    for (let last = -1; steady < 20; steady = sent === last ? steady + 1 : 0) {
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert(sent < 200, `${sent} pieces were made for a reader that took none`);
    let length = 0;
    for await (const piece of stream) length += piece.length;
    assert.equal(length, 2_000 * line.length);
  });
});

describe('bad input', () => {
  test('10 MB are refused with a Status, declared or not, and the server goes on', async (t) => {
    const { port } = await startFront(t);
    const body = Buffer.alloc(10_000_000, 'x');
    const url = '/api/v1/namespaces/default/configmaps';
    const check = ({ status, text }: Reply) => {
      assert.equal(status, 413);
      assert.deepEqual([JSON.parse(text).reason, JSON.parse(text).code], ['RequestEntityTooLarge', 413]);
    };
    check(await ask(port, url, { method: 'POST', identity: admin, body }));
    check(await ask(port, url, { method: 'POST', identity: admin, body, headers: { 'transfer-encoding': 'chunked' } }));
    const session = await connectHttp2(t, port, admin);
    check(await askHttp2(session, { ':path': url, ':method': 'POST', 'content-length': body.length }, body));
    check(await askHttp2(session, { ':path': url, ':method': 'POST' }, body));
    assert.equal((await askHttp2(session, { ':path': '/healthz' })).status, 200);
  });

  test('just what is allowed is taken', async (t) => {
    const { port } = await startFront(t, async ({ body }) => ({
      status: 200,
      headers: {},
      body: String(body?.length),
    }));
    const body = Buffer.alloc(3 * 1024 * 1024, 'x');
    assert.equal((await ask(port, '/', { method: 'POST', identity: admin, body })).text, String(body.length));
  });

  test('what is no UTF-8 is refused', async (t) => {
    const { port } = await startFront(t);
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const url = '/api/v1/namespaces/default/configmaps';
    assert.equal((await ask(port, url, { method: 'POST', identity: admin, body })).status, 400);
  });

  test('a truncated or senseless TLS hello leaves no connection behind', async (t) => {
    const front = await startFront(t);
    const hello = Buffer.from('16030100f8010000f40303', 'hex');
    for (const [bytes, ends] of [
      [hello, true],
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), false],
      [Buffer.alloc(1_000, 0xff), false],
      [Buffer.alloc(0), true],
    ] as const) {
      const socket = net.connect(front.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(bytes);
      if (ends) socket.end();
      socket.resume();
      await once(socket, 'close');
    }
    while (front.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await ask(front.port, '/healthz')).status, 200);
  });

  test('an idle HTTP/2 connection is closed, one with a quiet watch is not', async (t) => {
    const { server } = await startTestServer(t);
    const options = { address: '127.0.0.1', port: 0, pki, clock, log: silentLogger, idleMs: 50 };
    const front = await serveHttps(server, options);
    t.after(() => front.close());
    const watching = await connectHttp2(t, front.port, admin);
    const stream = watching.request({ ':path': '/api/v1/pods?watch=1' });
    await once(stream, 'response');
    const silent = tls.connect({ host: '127.0.0.1', port: front.port, ...credentials(admin), ALPNProtocols: ['h2'] });
    await once(silent, 'secureConnect');
    silent.write('PRI * HTTP/2.0');
    await once(silent.resume(), 'close');
    const idle = await connectHttp2(t, front.port, admin);
    await once(idle, 'close');
    assert.equal((await askHttp2(watching, { ':path': '/healthz' })).status, 200);
    stream.close();
    await once(watching, 'close');
  });

  test('an upload that is broken off reaches nobody', async (t) => {
    let answered = 0;
    const front = await startFront(t, async () => {
      answered++;
      return { status: 200, headers: {}, body: '' };
    });
    const socket = tls.connect({ host: '127.0.0.1', port: front.port, ...credentials(admin) });
    await once(socket, 'secureConnect');
    socket.write('POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf of it');
    socket.end();
    await once(socket.resume(), 'close');
    const session = await connectHttp2(t, front.port, admin);
    const stream = session.request({ ':path': '/x', ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    stream.write('half of it');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, 'close');
    await askHttp2(session, { ':path': '/y' });
    assert.equal(answered, 1);
  });
});

test('closing ends watches and lets what is under way finish', async (t) => {
  const { server } = await startTestServer(t);
  const front = await serveHttps(server, { address: '127.0.0.1', port: 0, pki, clock, log: silentLogger });
  const session = await connectHttp2(t, front.port, admin);
  const stream = session.request({ ':path': '/api/v1/namespaces?watch=1&allowWatchBookmarks=true' });
  await once(stream, 'response');
  let text = '';
  stream.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  const ended = once(stream, 'end');
  await Promise.all([server.stop(), front.close()]);
  await ended;
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  assert.deepEqual(lines, ['ADDED', 'ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
  assert.equal(front.connectionCount, 0);
});

test('a port that is taken is an operating error', async (t) => {
  const { port } = await startFront(t, echoUser);
  const options = { address: '127.0.0.1', port, pki, clock, log: silentLogger };
  await assert.rejects(serveHttps({ answer: echoUser, authenticate: () => undefined }, options), {
    code: 'EADDRINUSE',
    message: /^Listen on 127/,
  });
});
