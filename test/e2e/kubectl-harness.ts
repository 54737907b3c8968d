import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type ApiServer,
  componentUser,
  controllerUser,
  createApiServer,
  ensureKubeconfig,
  ensurePki,
  requestSigner,
  serveHttps,
} from '../../src/apiserver/mod.ts';
import type { Pki } from '../../src/apiserver/pki/pki.ts';
import { sleep, systemClock } from '../../src/base/clock.ts';
import type { User } from '../../src/base/exchange.ts';
import { silentLogger } from '../../src/base/log.ts';
import { publishClusterInfo } from '../../src/cli/cluster-info.ts';
import { createClient } from '../../src/client/mod.ts';
import { startControllers } from '../../src/controllers/mod.ts';
import { FakeAgents } from '../../src/controllers/testing/fake-agents.ts';
import { Node } from '../../src/kube/mod.ts';
import { startScheduler } from '../../src/scheduler/mod.ts';
import { createMemoryStore } from '../../src/store/mod.ts';

/** Another one by the variable KUBECTL. */
export const kubectlPath = process.env.KUBECTL ?? '/usr/bin/kubectl';
/** For `test`'s `skip`: the reason, or false. */
export const noKubectl = existsSync(kubectlPath) ? false : `${kubectlPath} is not installed`;

/** Asks the server to check fields since 1.27; older ones (Debian 12 packages 1.20) do it with an OpenAPI form of their day. */
const firstWithServerValidation = 27;
export const noServerValidation = oldKubectl();

function oldKubectl(): string | false {
  if (noKubectl) return noKubectl;
  const { stdout } = spawnSync(kubectlPath, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string; minor: string } };
  if (Number.parseInt(clientVersion.minor, 10) >= firstWithServerValidation) return false;
  return `kubectl ${clientVersion.gitVersion} is older than 1.${firstWithServerValidation}`;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An API server of our own on a free port, and kubectl with a home of its own. */
export interface KubectlServer {
  readonly url: string;
  readonly kubeconfig: string;
  /** Of the authority of all certificates. */
  readonly caPem: string;
  /** Runs kubectl to its end; never rejects. `editor` is what `kubectl edit` starts. */
  kubectl(args: readonly string[], options?: { stdin?: string; editor?: string }): Promise<Finished>;
  /** Runs kubectl until `stop`; `line` resolves with the first line of its output, old or new, that matches. */
  follow(args: readonly string[]): { line(pattern: RegExp): Promise<string>; stop(): Promise<void> };
  /** Asks again and again, for half a minute at the most. */
  until(what: string, check: () => Promise<boolean>): Promise<void>;
  /** Writes a file of the temporary folder and returns its path. */
  file(name: string, text: string): Promise<string>;
  stop(): Promise<void>;
}

export interface KubectlServerOptions {
  /** Default: the API server alone. */
  readonly withControllers?: boolean;
  /** So many nodes that only pretend, node1 and on, and a scheduler; wants controllers too. */
  readonly nodes?: number;
}

export async function startKubectlServer(options: KubectlServerOptions = {}): Promise<KubectlServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-kubectl-'));
  try {
    return await startIn(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, { withControllers, nodes = 0 }: KubectlServerOptions): Promise<KubectlServer> {
  const store = createMemoryStore();
  const common = { clock: systemClock, log: silentLogger };
  const apiServer = await createApiServer({ ...common, store, advertiseAddress: '192.0.2.1', advertisePort: 6443 });
  const pki = await ensurePki({ dir: path.join(folder, 'pki'), addresses: [], clock: systemClock });
  const https = await serveHttps(apiServer, { ...common, address: '127.0.0.1', port: 0, pki });
  const kubeconfig = path.join(folder, 'config');
  await ensureKubeconfig(pki, {
    path: kubeconfig,
    server: `https://127.0.0.1:${https.port}`,
    clusterName: 'test',
    commonName: 'admin',
    organizations: ['system:masters'],
    clock: systemClock,
  });
  const client = createClient({ exchange: apiServer.exchange, userAgent: 'kubectl-harness' });
  await publishClusterInfo(client, `https://127.0.0.1:${https.port}`, pki.caPem);
  const controllers = withControllers ? startOwnControllers(apiServer, pki) : undefined;
  const pretended = nodes > 0 ? await pretendNodes(apiServer, nodes) : undefined;
  const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: kubeconfig };
  return {
    url: `https://127.0.0.1:${https.port}`,
    kubeconfig,
    caPem: pki.caPem,
    kubectl: (args, { stdin = '', editor } = {}) =>
      run(args, { ...env, ...(editor && { KUBE_EDITOR: editor }) }, stdin),
    follow: (args) => follow(args, env),
    until,
    async file(name, text) {
      const file = path.join(folder, name);
      await writeFile(file, text);
      return file;
    },
    async stop() {
      await pretended?.stop();
      await controllers?.stop();
      await apiServer.stop();
      await https.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Each with the rights of its own role, as `signalbox server` runs them. */
function startOwnControllers({ exchange }: ApiServer, pki: Pki) {
  const clientOf = (user: User) => createClient({ exchange, user, userAgent: 'kubectl-harness' });
  return startControllers({
    client: clientOf(componentUser('system:kube-controller-manager')),
    clientAs: (controller) => clientOf(controllerUser(controller)),
    requestSigner: requestSigner(pki, systemClock),
    clock: systemClock,
    log: silentLogger,
    // Nodes that pretend renew no leases.
    nodeLifecycle: { graceMs: 1e9 },
  });
}

async function pretendNodes({ exchange }: ApiServer, count: number) {
  const client = createClient({ exchange, userAgent: 'kubectl-harness' });
  for (let number = 1; number <= count; number++) {
    const name = `node${number}`;
    await client.create(Node, { metadata: { name } });
    const status = { allocatable: { pods: '100' }, conditions: [{ type: 'Ready', status: 'True' }] };
    // The controllers write nodes too.
    await client.patch(Node, name, { type: 'merge', body: { status } }, { subresource: 'status' });
  }
  const agents = new FakeAgents(client, systemClock);
  const scheduler = startScheduler({ client, clock: systemClock, log: silentLogger });
  return {
    async stop() {
      await scheduler.stop();
      await agents.stop();
    },
  };
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 30_000;
  while (!(await check())) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, `Not so within half a minute: ${what}`);
    await sleep(systemClock, 100);
  }
}

function run(args: readonly string[], env: NodeJS.ProcessEnv, stdin: string): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(kubectlPath, [...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

function follow(args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(kubectlPath, [...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let text = '';
  const wanted = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    for (const look of wanted) look();
  });
  return {
    line: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const line = text.split('\n').find((candidate) => pattern.test(candidate));
          if (line === undefined) return;
          wanted.delete(look);
          resolve(line);
        };
        wanted.add(look);
        look();
        void ended.then(() => reject(new Error(`kubectl ended before a line matched ${pattern}: ${text}`)));
      }),
    async stop() {
      child.kill();
      await ended;
    },
  };
}
