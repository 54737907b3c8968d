import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { type Client, createClient, http2Exchange, isAlreadyExists, loadKubeconfig } from '../../src/client/mod.ts';
import { ConfigMap, Deployment, EndpointSlice, Lease, Pod, Service } from '../../src/kube/mod.ts';
import { EtcdCluster, freePorts, withoutEtcd } from '../../src/store/testing/etcd-cluster.ts';

const main = path.join(import.meta.dirname, '../../src/main.ts');

/** Three servers and three members of etcd, all real processes, on loopback. */
class Site {
  readonly etcd: EtcdCluster;
  readonly #folder: string;
  readonly #port: number;
  readonly #servers: (ChildProcess | undefined)[] = [];

  static async start(t: TestContext): Promise<Site> {
    const [port] = await freePorts(1);
    const etcd = await EtcdCluster.start({ members: 3 });
    const site = new Site(etcd, mkdtempSync(path.join(tmpdir(), 'signalbox-servers-')), port!);
    t.after(() => site.stop());
    await site.startServer(0);
    for (const index of [1, 2]) site.#copyAuthority(index);
    await Promise.all([1, 2].map((index) => site.startServer(index)));
    return site;
  }

  private constructor(etcd: EtcdCluster, folder: string, port: number) {
    this.etcd = etcd;
    this.#folder = folder;
    this.#port = port;
  }

  wordsOf(index: number): string[] {
    return [
      ...['--data-dir', this.#dataDir(index), '--port', `${this.#port}`, '--listen-address', `127.0.0.${index + 1}`],
      ...['--advertise-address', addressOf(index), '--etcd-servers', this.etcd.endpoints.join()],
    ];
  }

  /** Resolves when it serves. */
  async startServer(index: number): Promise<void> {
    const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
    const child = spawn(process.execPath, [main, 'server', ...this.wordsOf(index)], { stdio });
    this.#servers[index] = child;
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (!line.includes('Serving')) continue;
      child.stderr.resume();
      return;
    }
    throw new Error(`Server ${index} ended:\n${lines.join('\n')}`);
  }

  async kill(index: number): Promise<void> {
    const child = this.#servers[index];
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** A client that begins with one of the servers, and knows the others. */
  client(t: TestContext, first = 0): Client {
    const { server: _, ...config } = loadKubeconfig(path.join(this.#dataDir(0), 'admin.kubeconfig'));
    const [server, ...otherServers] = [0, 1, 2].map((n) => `https://127.0.0.${((first + n) % 3) + 1}:${this.#port}`);
    const options = { ...config, server: server!, otherServers, tlsServerName: 'kubernetes', clock: systemClock };
    const client = createClient({ ...http2Exchange(options), userAgent: 'test' });
    t.after(() => client.close());
    return client;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((_, index) => this.kill(index)));
    await this.etcd.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #dataDir(index: number): string {
    return path.join(this.#folder, `${index}`);
  }

  /** As an operator does it who adds a server. */
  #copyAuthority(index: number): void {
    const [from, to] = [0, index].map((n) => path.join(this.#dataDir(n!), 'pki'));
    mkdirSync(to!, { recursive: true });
    const shared = readdirSync(from!).filter((name) => /^(ca|sa)\./.test(name));
    for (const name of shared) cpSync(path.join(from!, name), path.join(to!, name));
  }
}

const addressOf = (index: number) => `192.0.2.${index + 1}`;

/** Tries again, as a controller would, until the deadline: servers and members are being killed. */
async function persist<Value>(work: () => Promise<Value>, deadlineMs = 60_000): Promise<Value> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await wait(50);
    }
  }
}

async function createOnce(client: Client, name: string): Promise<void> {
  const service = {
    metadata: { name, namespace: 'default' },
    spec: { type: 'NodePort' as const, ports: [{ port: 80 }] },
  };
  await persist(() =>
    client.create(Service, service).catch((error) => {
      // The answer to an earlier attempt was lost.
      if (!isAlreadyExists(error)) throw error;
    }),
  );
}

async function leaderOf(client: Client): Promise<string | undefined> {
  return (await client.get(Lease, 'signalbox-server', { namespace: 'kube-system' })).spec.holderIdentity;
}

const scale = (client: Client, replicas: number) =>
  persist(() => client.patch(Deployment, 'web', { type: 'merge', body: { spec: { replicas } } }, inDefault));
const inDefault = { namespace: 'default' };

async function podsBecome(client: Client, count: number): Promise<void> {
  await persist(async () => {
    assert.equal((await client.list(Pod, inDefault)).items.length, count);
  });
}

test('three servers on three members of etcd: any of them is killed, and everything goes on', {
  skip: withoutEtcd,
  timeout: 240_000,
}, async (t) => {
  const site = await Site.start(t);
  const client = site.client(t);
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'default' }, spec });
  await podsBecome(client, 2);

  await t.test('50 writers get no address and no port twice, with kills in between', async (t) => {
    const writers = Array.from({ length: 50 }, (_, n) => site.client(t, n));
    const names = writers.map((_, n) => Array.from({ length: 6 }, (_, k) => `s${n}-${k}`));
    let made = 0;
    const writing = Promise.all(
      writers.map(async (writer, n) => {
        for (const name of names[n]!) {
          await createOnce(writer, name);
          made++;
        }
      }),
    );
    const reach = async (count: number) => {
      while (made < count) await wait(5);
    };
    await reach(40);
    await site.kill(1);
    await reach(100);
    await site.etcd.signal(2, 'SIGKILL');
    await reach(160);
    await Promise.all([site.startServer(1), site.kill(2)]);
    await reach(220);
    site.etcd.startMember(2);
    await writing;
    const { items } = await persist(() => client.list(Service, inDefault));
    const mine = items.filter(({ metadata }) => /^s\d/.test(metadata.name));
    assert.deepEqual(mine.map(({ metadata }) => metadata.name).sort(), names.flat().sort());
    assert.equal(new Set(items.map((service) => service.spec.clusterIP)).size, items.length);
    assert.equal(new Set(mine.map((service) => service.spec.ports?.[0]?.nodePort)).size, mine.length);
    const keysBelow = (prefix: string) =>
      site.etcd.ctl('get', '--prefix', '--keys-only', `/signalbox/registry/${prefix}/`).match(/\S+/g)!.length;
    assert.equal(keysBelow('networking.k8s.io/ipaddresses'), items.length, 'nothing is held that no Service has');
    assert.equal(keysBelow('allocations/nodeports'), mine.length);
    await site.startServer(2);
  });

  await t.test('the leader of the controllers is killed: another leads, and does its work', async () => {
    const leader = await persist(() => leaderOf(client));
    const index = [0, 1, 2].findIndex((n) => leader?.startsWith(`${addressOf(n)}_`));
    await site.kill(index);
    await scale(client, 4);
    await podsBecome(client, 4);
    assert.notEqual(await leaderOf(client), leader);
    await kubernetesLeadsTo(client, [0, 1, 2].filter((n) => n !== index).map(addressOf));
    await site.startServer(index);
    await kubernetesLeadsTo(client, [0, 1, 2].map(addressOf));
  });

  await t.test('a server with another authority is refused, and told what to do', async () => {
    const words = site.wordsOf(2).map((word, n, all) => (all[n - 1] === '--data-dir' ? `${word}-other` : word));
    const { status, stderr } = spawnSync(process.execPath, [main, 'server', ...words], { encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /its servers have another certificate authority than DATA-DIR\/pki\/ca\.crt here/);
    assert.match(stderr, /Copy pki\/ca\.crt, pki\/ca\.key and pki\/sa\.key of one of them/);
    const { data } = await client.get(ConfigMap, 'extension-apiserver-authentication', { namespace: 'kube-system' });
    assert.match(data!['client-ca-file']!, /^-----BEGIN CERTIFICATE-----/);
  });
});

async function kubernetesLeadsTo(client: Client, addresses: readonly string[]): Promise<void> {
  await persist(async () => {
    const { endpoints } = await client.get(EndpointSlice, 'kubernetes', inDefault);
    assert.deepEqual(
      endpoints.flatMap((endpoint) => endpoint.addresses),
      addresses,
    );
  });
}
