import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function start(t: TestContext, ...args: string[]): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const program = path.join(import.meta.dirname, 'serve-hostname.ts');
  const child = spawn(process.execPath, [program, `-port=${port}`, ...args], { stdio: 'inherit' });
  t.after(() => child.kill('SIGKILL'));
  return { child, port };
}

interface Answer {
  readonly body: string;
  readonly connection: string | undefined;
}

function ask(port: number, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: agent ?? false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ body, connection: response.headers.connection }));
    });
    request.on('error', reject);
  });
}

/** As soon as it listens. */
async function firstAnswer(port: number): Promise<Answer> {
  for (;;) {
    try {
      return await ask(port);
    } catch {
      await delay(10);
    }
  }
}

test('It answers HTTP with the host name', async (t) => {
  const { port } = await start(t);
  assert.equal((await firstAnswer(port)).body, hostname());
});

test('After SIGTERM it goes on answering for a while, asks clients to go elsewhere, and exits with 0', async (t) => {
  const { child, port } = await start(t);
  await firstAnswer(port);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  assert.equal((await ask(port, agent)).connection, 'keep-alive');
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  let answer = await ask(port, agent);
  while (answer.connection !== 'close') answer = await ask(port, agent);
  assert.equal(answer.body, hostname());
  assert.deepEqual(await exited, [0, null]);
  await assert.rejects(ask(port), /ECONNREFUSED/);
});

test('It answers TCP and UDP when asked to, and HTTP then only if asked to', async (t) => {
  const { port } = await start(t, '-tcp', '--udp=true');
  let text = '';
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.on('close', resolve));
    if (text !== '') break;
    await delay(10);
  }
  assert.equal(text, hostname());
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const answered = once(socket, 'message');
  socket.send('who?', port, '127.0.0.1');
  assert.equal(String((await answered)[0]), hostname());
});
