import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { isStoreError, type Store } from '../mod.ts';
import { EtcdCluster, type EtcdFlags, withoutEtcd } from '../testing/etcd-cluster.ts';
import { create, remove, update } from '../testing/operations.ts';
import { Recorder } from '../testing/recorder.ts';
import { type EtcdOptions, openEtcdStore } from './etcd.ts';

async function clusterFor(t: TestContext, flags?: EtcdFlags): Promise<EtcdCluster> {
  const cluster = await EtcdCluster.start(flags);
  t.after(() => cluster.stop());
  return cluster;
}

async function openFor(t: TestContext, endpoints: readonly string[], more: Partial<EtcdOptions> = {}): Promise<Store> {
  const store = await openEtcdStore({ endpoints, clock: systemClock, log: silentLogger, ...more });
  t.after(() => store.close());
  return store;
}

suite('etcd store, shared', { skip: withoutEtcd }, () => {
  test('after sync a store shows what another one has committed, and both tell the same events', async (t) => {
    const { endpoints } = await clusterFor(t);
    const [one, other] = [await openFor(t, endpoints), await openFor(t, endpoints)];
    const watches = [one, other].map((store) => new Recorder(store, '/', 1));
    for (let i = 0; i < 50; i++) {
      const { revision } = await one.commit([create(`/a/${i}`)]);
      assert.equal(await other.sync(), revision);
      await other.commit([remove(`/a/${i}`, revision)]);
    }
    for (const watch of watches) await watch.reaches(100);
    assert.deepEqual(watches[0]!.events, watches[1]!.events);
    const late = await openFor(t, endpoints);
    const replay = new Recorder(late, '/', 1);
    await replay.reaches(100);
    assert.deepEqual(replay.events, watches[0]!.events, 'one that comes later knows the past');
  });

  test('of many writers in two processes that expect the same, one is applied', async (t) => {
    const { endpoints } = await clusterFor(t);
    const stores = [await openFor(t, endpoints), await openFor(t, endpoints)];
    for (let round = 0; round < 20; round++) {
      const commits = Array.from({ length: 10 }, (_, i) => stores[i % 2]!.commit([create(`/vip/${round}`, `${i}`)]));
      const outcomes = await Promise.allSettled(commits);
      const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'made' : outcome.reason.code)).sort();
      assert.deepEqual(codes, [...Array(9).fill('exists'), 'made']);
    }
  });

  test('keys of others are left alone and do not disturb', async (t) => {
    const cluster = await clusterFor(t);
    cluster.ctl('put', '/registry/services/specs/default/x', 'theirs');
    const store = await openFor(t, cluster.endpoints);
    const { revision } = await store.commit([create('/a')]);
    cluster.ctl('put', '/signalboxed', 'theirs');
    assert.equal(await store.sync(), revision);
    assert.deepEqual(
      (await store.list('')).entries.map(({ key }) => key),
      ['/a'],
    );
  });

  test('more than one page, and a commit of many operations', async (t) => {
    const { endpoints } = await clusterFor(t);
    const store = await openFor(t, endpoints);
    const keys = Array.from({ length: 2_500 }, (_, i) => `/k/${i}`);
    for (let i = 0; i < keys.length; i += 100) await store.commit(keys.slice(i, i + 100).map((key) => create(key)));
    await store.compact(store.revision);
    const late = await openFor(t, endpoints);
    assert.deepEqual((await late.list('')).entries, (await store.list('')).entries);
    const tooMany = store.commit(Array.from({ length: 128 }, (_, i) => create(`/m/${i}`)));
    await assert.rejects(tooMany, { code: 'failed', message: 'Commit: it has 128 operations, etcd takes 127' });
  });
});

suite('etcd store, opening', { skip: withoutEtcd }, () => {
  test('what is no etcd, and flags that are wrong', async (t) => {
    await assert.rejects(openFor(t, ['http://127.0.0.1:1']), { name: 'StoreError', code: 'unavailable' });
    const message = 'Reach etcd: "127.0.0.1:2379" is not of the form https://host:2379';
    await assert.rejects(openFor(t, ['127.0.0.1:2379']), { name: 'UsageError', message });
    await assert.rejects(openFor(t, ['http://127.0.0.1:1'], { prefix: 'x' }), { name: 'UsageError' });
  });

  test('TLS with client certificates; without one there is no way in', async (t) => {
    const tls = certificatesFor(t);
    const { endpoints } = await clusterFor(t, { tls });
    const [ca, cert, key] = [tls.ca, tls.cert, tls.key].map((file) => readFileSync(file, 'utf8'));
    const store = await openFor(t, endpoints, { tls: { ca: ca!, cert: cert!, key: key! } });
    await store.commit([create('/a')]);
    await assert.rejects(openFor(t, endpoints, { tls: { ca: ca! } }), { code: 'unavailable' });
    await assert.rejects(openFor(t, endpoints), { code: 'unavailable', message: /self.signed|unable to/i });
  });
});

suite('etcd store, faults', { skip: withoutEtcd }, () => {
  test('a quota that is used up refuses commits whole, and says what to do', async (t) => {
    const cluster = await clusterFor(t, { more: ['--quota-backend-bytes=1000000'] });
    const store = await openFor(t, cluster.endpoints);
    const value = 'x'.repeat(100_000);
    const fill = async () => {
      for (let i = 0; ; i++) await store.commit([create(`/a/${i}`, value), create(`/b/${i}`)]);
    };
    const message =
      'Commit: etcd has reached its quota; compact, defragment and disarm its alarm (etcdctl alarm disarm)';
    await assert.rejects(fill(), { code: 'full', message });
    const { entries } = await store.list('');
    assert.equal(entries.filter(({ key }) => key.startsWith('/a/')).length * 2, entries.length);
    await store.commit(entries.map(({ key, modRevision }) => remove(key, modRevision)));
    await store.compact(store.revision);
    cluster.ctl('defrag');
    cluster.ctl('alarm', 'disarm');
    await store.commit([create('/a/0', value)]);
  });

  test('an answer that is lost: what happened is found out, and is told', async (t) => {
    const { endpoints } = await clusterFor(t);
    const relay = await relayFor(t, endpoints[0]!);
    const store = await openFor(t, [relay.endpoint]);
    const witness = await openFor(t, endpoints);
    const watch = new Recorder(witness, '/', 1);
    let expected = 0;
    for (let i = 0; i < 20; i++) {
      relay.cutAfterNextRequest();
      const operations = i === 0 ? [create('/a', '0')] : [update('/a', expected, `${i}`), create(`/b/${i}`)];
      const { revision } = await store.commit(operations);
      assert.ok(revision > expected);
      expected = revision;
    }
    assert.ok(relay.cuts >= 20);
    await watch.reaches(39);
    const values = watch.events.filter(({ key }) => key === '/a').map(({ entry }) => entry?.value);
    assert.deepEqual(
      values,
      Array.from({ length: 20 }, (_, i) => `${i}`),
      'each once, in order',
    );
  });

  test('history that etcd forgot while nobody was connected is made up for', async (t) => {
    const { endpoints } = await clusterFor(t);
    const relay = await relayFor(t, endpoints[0]!);
    const [store, other] = [await openFor(t, [relay.endpoint]), await openFor(t, endpoints)];
    const watch = new Recorder(store, '/', 1);
    const { revision } = await store.commit([create('/a', '1'), create('/b', '1'), create('/c', '1')]);
    relay.refuse(true);
    await other.commit([update('/a', revision, '2'), remove('/b', revision), create('/d', '1')]);
    const last = await other.commit([create('/e')]);
    await other.compact(last.revision);
    relay.refuse(false);
    assert.equal(await eventually(() => store.sync()), last.revision);
    const now = new Map<string, string>();
    for (const { key, entry } of watch.events) {
      if (entry) now.set(key, entry.value);
      else now.delete(key);
    }
    assert.deepEqual(
      [...now].sort(),
      (await other.list('')).entries.map(({ key, value }) => [key, value]),
    );
    assert.deepEqual((await store.list('')).entries, (await other.list('')).entries);
    assert.throws(() => store.watch('/', { after: revision, onEvents() {} }), { code: 'compacted' });
  });

  test('three members, one after the other killed with -9: no acknowledged commit is lost or made twice', async (t) => {
    const cluster = await clusterFor(t, { members: 3 });
    const stores = await Promise.all([0, 1, 2].map((i) => openFor(t, rotated(cluster.endpoints, i))));
    const acknowledged = new Map<string, number>();
    const unknown = new Set<string>();
    let done = false;
    const write = async (writer: number) => {
      for (let i = 0; !done; i++) {
        // Each value is tried for once: what is told to have failed must not appear.
        const key = `/${writer}/${i}`;
        try {
          acknowledged.set(key, (await stores[writer % 3]!.commit([create(key), create(`/pair${key}`)])).revision);
        } catch (error) {
          assert.ok(isStoreError(error, 'uncertain', 'unavailable'), String(error));
          if (isStoreError(error, 'uncertain')) unknown.add(key);
        }
      }
    };
    const writers = Array.from({ length: 9 }, (_, writer) => write(writer));
    for (let kill = 0; kill < 6; kill++) {
      const before = acknowledged.size;
      await eventually(() => assert.ok(acknowledged.size > before + 50));
      await cluster.signal(kill % 3, 'SIGKILL');
      const after = acknowledged.size;
      await eventually(() => assert.ok(acknowledged.size > after + 50));
      cluster.startMember(kill % 3);
      await cluster.isHealthy();
    }
    done = true;
    await Promise.all(writers);
    const reader = await openFor(t, cluster.endpoints);
    const { entries } = await reader.list('');
    const found = new Map(entries.map(({ key, modRevision }) => [key, modRevision]));
    for (const [key, revision] of acknowledged) {
      assert.deepEqual([found.get(key), found.get(`/pair${key}`)], [revision, revision], key);
    }
    const extra = [...found.keys()].filter((key) => !key.startsWith('/pair') && !acknowledged.has(key));
    assert.ok(
      extra.every((key) => unknown.has(key)),
      `${extra} was told to have failed`,
    );
    for (const store of stores) {
      await store.sync();
      assert.deepEqual((await store.list('')).entries, entries);
    }
  });
});

const rotated = <Value>(values: readonly Value[], by: number) => [...values.slice(by), ...values.slice(0, by)];

/** Tries until it does not fail; the runner ends a test that waits in vain. */
async function eventually<Result>(work: () => Promise<Result> | Result): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch {
      await pause(20);
    }
  }
}

/** A relay before etcd that can hang up when it has passed a request on, before it has passed on the answer. */
async function relayFor(t: TestContext, endpoint: string) {
  const port = Number(new URL(endpoint).port);
  const sockets = new Set<Socket>();
  let [isArmed, isCutting, refuses, cuts] = [false, false, false, 0];
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((client) => {
    if (refuses) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => (socket === client ? upstream : client).destroy());
    }
    client.on('data', (chunk) => {
      upstream.write(chunk);
      isCutting ||= isArmed;
      isArmed = false;
    });
    upstream.on('data', (chunk) => {
      if (!isCutting) {
        client.write(chunk);
        return;
      }
      isCutting = false;
      cuts++;
      hangUp();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    hangUp();
    server.close();
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get cuts() {
      return cuts;
    },
    cutAfterNextRequest() {
      isArmed = true;
    },
    refuse(whether: boolean) {
      refuses = whether;
      if (whether) hangUp();
    },
  };
}

/** An authority, and one certificate that serves and that shows who asks. */
function certificatesFor(t: TestContext) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-etcd-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => path.join(folder, name);
  const openssl = (...words: string[]) => {
    const result = spawnSync('openssl', words, { encoding: 'utf8', cwd: folder });
    assert.equal(result.status, 0, result.stderr);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca', '-days', '2');
  openssl('req', '-new', ...key, '-keyout', 'etcd.key', '-out', 'etcd.csr', '-subj', '/CN=etcd');
  writeFileSync(file('ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', 'etcd.csr', '-out', 'etcd.crt', ...signing);
  return { ca: file('ca.crt'), cert: file('etcd.crt'), key: file('etcd.key') };
}
