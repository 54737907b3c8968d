import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { type Client, createClient, http2Exchange, loadKubeconfig } from '../../client/mod.ts';

export const mainFile = path.join(import.meta.dirname, '../../main.ts');

/** `signalbox server` as a process of its own, on loopback; it goes with the test. */
export class ServerProcess {
  readonly port: number;
  readonly #dataDir: string;
  readonly #child: ChildProcess;

  /** Resolves when it serves. */
  static async start(t: TestContext, dataDir: string, ...more: string[]): Promise<ServerProcess> {
    const port = await freePort();
    const words = ['--data-dir', dataDir, '--advertise-address', '192.0.2.1', '--port', `${port}`, ...more];
    const child = spawn(process.execPath, [mainFile, 'server', ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    const server = new ServerProcess(child, dataDir, port);
    t.after(() => server.kill());
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr! })) {
      lines.push(line);
      if (!line.includes('Serving')) continue;
      child.stderr!.resume();
      return server;
    }
    throw new Error(`It ended:\n${lines.join('\n')}`);
  }

  private constructor(child: ChildProcess, dataDir: string, port: number) {
    this.#child = child;
    this.#dataDir = dataDir;
    this.port = port;
  }

  /** With -9. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  /** Writes the administrator's kubeconfig, with the address by which this machine reaches the server. */
  kubeconfig(file: string): string {
    const text = readFileSync(path.join(this.#dataDir, 'admin.kubeconfig'), 'utf8');
    writeFileSync(file, text.replace(/https:\/\/[\d.]+:\d+/, `https://127.0.0.1:${this.port}`), { mode: 0o600 });
    return file;
  }
}

/** The administrator that a server's folder knows, at a server on this machine. */
export function adminClient(t: TestContext, dataDir: string, port: number): Client {
  const config = loadKubeconfig(path.join(dataDir, 'admin.kubeconfig'));
  const server = `https://127.0.0.1:${port}`;
  const client = createClient({ ...http2Exchange({ ...config, server, clock: systemClock }), userAgent: 'test' });
  t.after(() => client.close());
  return client;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await once(server.close(), 'close');
  return port;
}
