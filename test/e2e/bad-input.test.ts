import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loadKubeconfig } from '../../src/client/mod.ts';
import { kubectlPath, noKubectl, noServerValidation } from './kubectl-harness.ts';

/** What goes wrong, sent to real processes: each is refused in a line that names it, nothing of it stays, work goes on. */
const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-bad-input-'));
const dataDir = path.join(folder, 'server');
const kubeconfig = path.join(folder, 'kubeconfig');
const noRoot = process.getuid?.() === 0 ? false : 'needs root, to become somebody else';

/** Loaded into the server: mistakes of ours, on demand. */
const mistakes = `
  process.on('SIGUSR2', () => {
    void Promise.reject(new Error('a stray rejection'));
    throw new Error('a throwing handler');
  });
`;

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function startServer() {
  const port = await freePort();
  const preload = path.join(folder, 'mistakes.mjs');
  writeFileSync(preload, mistakes);
  const flags = ['--data-dir', dataDir, '--advertise-address', '192.0.2.1', '--listen-address', '127.0.0.1'];
  const child = spawn(process.execPath, ['--import', preload, main, 'server', ...flags, '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const logged = async (text: string) => {
    while (!log.includes(text)) {
      assert.equal(child.exitCode, null, log);
      await delay(5);
    }
  };
  await logged('Controllers are running');
  const text = readFileSync(path.join(dataDir, 'admin.kubeconfig'), 'utf8');
  writeFileSync(kubeconfig, text.replaceAll('192.0.2.1', '127.0.0.1'), { mode: 0o600 });
  return {
    port,
    child,
    logged,
    log: () => log,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    },
  };
}

const kubectl = (words: readonly string[], stdin = '') => {
  const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: kubeconfig };
  return spawnSync(kubectlPath, words, { env, input: stdin, encoding: 'utf8', timeout: 60_000 });
};

/** One request over HTTP/2 with the administrator's certificate. */
async function request(
  method: string,
  url: string,
  body?: string,
  type = 'application/json',
): Promise<{ status: number; text: string }> {
  const { server: address, ca, cert, key } = loadKubeconfig(kubeconfig);
  const session = http2.connect(address, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  session.on('error', () => {});
  try {
    const stream = session.request({ ':method': method, ':path': url, 'content-type': type });
    stream.on('error', () => {});
    stream.end(body);
    const [headers] = await once(stream, 'response');
    let text = '';
    for await (const piece of stream.setEncoding('utf8')) text += piece;
    return { status: Number(headers[':status']), text };
  } finally {
    session.destroy();
  }
}

/** The server is the same process, answers, and knows of nothing that was refused. */
async function stillServes(): Promise<void> {
  assert.equal(server.child.exitCode, null, server.log());
  assert.equal((await request('GET', '/readyz')).status, 200);
  const { items } = JSON.parse((await request('GET', '/api/v1/services')).text);
  assert.deepEqual(
    items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    ['kubernetes'],
  );
}

const mergePatch = 'application/merge-patch+json';
const services = '/api/v1/namespaces/default/services';
const nodePortService = (name: string, port: number, spec = '') => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {type: NodePort, ports: [{port: 80, nodePort: ${port}}]${spec}}
`;

for (const [title, manifest, complaint] of [
  ['a misspelt field', nodePortService('bad', 30_100, ', selectr: {a: b}'), /unknown field "spec\.selectr"/],
  [
    'a word that is not allowed',
    nodePortService('bad', 30_100, ', externalTrafficPolicy: Here'),
    /Service "bad" is invalid: spec\.externalTrafficPolicy: Unsupported value: "Here": supported values: "Cluster", "Local"/,
  ],
  [
    'a port that is taken, in one object twice',
    nodePortService('bad', 30_100, ', sessionAffinity: None').replace('}]', '}, {name: b, port: 81, nodePort: 30100}]'),
    /spec\.ports\[[01]\]/,
  ],
  ['an unknown kind', 'apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: a}\n', /no matches for kind "Lamp"/],
  ['what is no YAML', 'kind: [', /error parsing/],
] as const) {
  test(`kubectl apply: ${title}`, { skip: noKubectl || noServerValidation }, async () => {
    const { status, stderr } = kubectl(['apply', '-f', '-'], manifest);
    assert.equal(status, 1, stderr);
    assert.match(stderr, complaint);
    await stillServes();
  });
}

test('of two Services that want one node port, the second leaves nothing behind', { skip: noKubectl }, async () => {
  const both = `${nodePortService('first', 30_200)}---${nodePortService('second', 30_200)}`;
  const { status, stdout, stderr } = kubectl(['apply', '-f', '-'], both);
  assert.equal(status, 1);
  assert.equal(stdout, 'service/first created\n');
  assert.match(
    stderr,
    /Service "second" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 30200: provided port is already allocated/,
  );
  assert.equal(kubectl(['delete', 'svc', 'first']).status, 0);
  // Its port is free again, and so is every address but those of `kubernetes` and of this one.
  assert.equal(kubectl(['apply', '-f', '-'], nodePortService('third', 30_200)).status, 0);
  assert.equal(kubectl(['delete', 'svc', 'third']).status, 0);
  await stillServes();
});

test('a body of 10 MB', async () => {
  const { status, text } = await request('POST', services, `{"metadata":{"name":"${'x'.repeat(10 << 20)}"}}`);
  assert.equal(status, 413);
  assert.match(JSON.parse(text).message, /^Request entity too large: limit is 3145728$/);
  await stillServes();
});

test('JSON that is deep, cut short, or of another kind', async () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  for (const body of [
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `{"metadata":{"name":"bad"},"spec":${deep}}`,
    `{"metadata":{"name":"bad"},"spec":{"ports":[{"port":80}]},"status":${deep}}`,
    `{"metadata":{"name":"bad","annotations":${deep}},"spec":{"ports":[{"port":80}]}}`,
    '{"metadata',
    '7',
  ]) {
    const { status, text } = await request('POST', services, body);
    assert.equal(status, 400, text);
    assert.equal(JSON.parse(text).reason, 'BadRequest');
  }
  assert.equal((await request('PATCH', `${services}/kubernetes`, `{"spec":${deep}}`, mergePatch)).status, 400);
  await stillServes();
});

test('truncated and senseless TLS hellos', async () => {
  const hello = Buffer.from('16030100f8010000f40303', 'hex');
  const pieces = [
    hello,
    hello.subarray(0, 3),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    randomBytes(4096),
    Buffer.alloc(0),
  ];
  for (const piece of pieces) {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.end(piece);
    socket.resume();
    await once(socket, 'close');
  }
  await stillServes();
});

test('mistakes of our own are logged and end nothing', async () => {
  server.child.kill('SIGUSR2');
  await server.logged('a throwing handler');
  await server.logged('a stray rejection');
  await stillServes();
});

test('a second server on the same data', async () => {
  const before = readFileSync(path.join(dataDir, 'admin.kubeconfig'), 'utf8');
  const { status, stderr } = run(['server', '--data-dir', dataDir, '--advertise-address', '192.0.2.9']);
  assert.equal(status, 1);
  assert.match(stderr, /^error: Open the store .*store\.sqlite: another process has it open\n$/);
  assert.equal(readFileSync(path.join(dataDir, 'admin.kubeconfig'), 'utf8'), before);
  await stillServes();
});

/** Runs the command to its end, which is near. */
function run(words: readonly string[], options: { uid?: number; gid?: number } = {}) {
  const command = [main, ...words];
  return spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 30_000, cwd: '/', ...options });
}

const fresh = path.join(folder, 'fresh');
const node = ['node', '--name=n', '--address=192.0.2.7', '--pod-cidr=10.250.0.0/24', `--state-dir=${fresh}`];

for (const [title, words, complaint] of [
  [
    'an address by which nobody reaches it',
    ['--advertise-address=127.0.0.1'],
    /"127\.0\.0\.1" is not where others reach/,
  ],
  ['an address that is none', ['--advertise-address=here'], /Advertise the API server: "here" is no IPv4 address/],
  ['a range that is none', ['--service-cidr=10.96.0.0/99'], /Read the service CIDR: "10\.96\.0\.0\/99"/],
  ['ports that are none', ['--node-port-range=5-x'], /Read the node port range: "5-x"/],
] as [string, string[], RegExp][]) {
  test(`signalbox server: ${title}`, () => {
    const defaults = title.includes('address') ? [] : ['--advertise-address=192.0.2.1'];
    const { status, stderr } = run(['server', `--data-dir=${fresh}`, ...defaults, ...words]);
    assert.match(stderr, complaint);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.equal(status, 2);
    assert.equal(existsSync(fresh), false);
  });
}

test('signalbox server: a port that is taken ends it, and says so', () => {
  const words = ['--advertise-address=192.0.2.1', '--listen-address=127.0.0.1', `--port=${server.port}`];
  const { status, stderr } = run(['server', '--store=memory', `--data-dir=${fresh}`, ...words]);
  assert.match(stderr, /^error: Listen on 127\.0\.0\.1:\d+: listen EADDRINUSE/m);
  assert.equal(status, 1);
  rmSync(fresh, { recursive: true, force: true });
});

/** Of flags that may be meant so: they come before whatever else is wrong is looked at. */
const withoutWarnings = (stderr: string): string => stderr.replace(/^\S+ WARN .*\n/gm, '');

const withoutCluster =
  'apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: none}}]\n';
for (const words of [['proxy'], ['dns', '--listen=127.0.0.1:0'], node]) {
  test(`signalbox ${words[0]}: a kubeconfig without its cluster`, { skip: noRoot }, () => {
    const file = path.join(folder, 'without-cluster');
    writeFileSync(file, withoutCluster);
    const { status, stderr } = run([...words, `--kubeconfig=${file}`]);
    assert.match(withoutWarnings(stderr), /^error: Read kubeconfig .*without-cluster: clusters is missing or empty\n$/);
    assert.equal(status, 2);
    assert.equal(existsSync(fresh), false);
  });
}

for (const words of [
  ['up', '--name=t-nobody'],
  ['proxy', '--kubeconfig=/none'],
  [...node, '--kubeconfig=/none'],
]) {
  test(`signalbox ${words[0]} without root`, { skip: noRoot }, () => {
    chmodSync(folder, 0o755);
    const { status, stderr } = run(words, { uid: 65_534, gid: 65_534 });
    assert.match(
      withoutWarnings(stderr),
      new RegExp(`^error: signalbox ${words[0]} needs root: CAP_.* missing; run it again with sudo\\n$`),
    );
    assert.equal(status, 3);
  });
}

test('signalbox dns: packets of random bytes, and the next question is answered', async (t) => {
  const port = await freePort();
  const words = [
    'dns',
    `--listen=127.0.0.1:${port}`,
    `--kubeconfig=${kubeconfig}`,
    `--ready-address=127.0.0.1:${await freePort()}`,
  ];
  const dns = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  t.after(async () => {
    dns.kill('SIGTERM');
    await once(dns, 'exit');
  });
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const question = Buffer.concat([
    Buffer.from('beef01000001000000000000', 'hex'),
    Buffer.from('\x0akubernetes\x07default\x03svc\x07cluster\x05local\x00', 'latin1'),
    Buffer.from('00010001', 'hex'),
  ]);
  const answers: Buffer[] = [];
  socket.on('message', (message) => answers.push(message));
  const ask = async () => {
    answers.length = 0;
    const isRight = (answer: Buffer) =>
      answer.readUInt16BE(0) === 0xbeef && answer.subarray(-4).join('.') === '10.96.0.1';
    while (!answers.some(isRight)) {
      assert.equal(dns.exitCode, null);
      socket.send(question, port, '127.0.0.1');
      await delay(20);
    }
  };
  await ask();
  for (let length = 0; length < 1400; length += 7) {
    socket.send(randomBytes(length), port, '127.0.0.1');
    socket.send(Buffer.concat([question.subarray(0, 12), randomBytes(length)]), port, '127.0.0.1');
  }
  const stream = net.connect(port, '127.0.0.1');
  stream.on('error', () => {});
  stream.end(randomBytes(3000));
  stream.resume();
  await once(stream, 'close');
  await ask();
});
