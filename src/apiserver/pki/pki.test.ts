import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { loadKubeconfig } from '../../client/mod.ts';
import { ensureKubeconfig } from './kubeconfig.ts';
import { ensurePki, issueClientCertificate } from './pki.ts';

const dayMs = 86_400_000;

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-pki-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
async function contents(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(dir, name), 'utf8')])),
  );
}
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);

describe('ensurePki', () => {
  test('makes an authority and a server certificate for every name of the server', async (t) => {
    const dir = path.join(await temporaryFolder(t), 'pki');
    const { caPem, server } = await ensurePki({
      dir,
      names: ['here'],
      addresses: ['192.0.2.1'],
      clock: new ManualClock(),
    });
    const ca = new X509Certificate(caPem);
    const certificate = new X509Certificate(server.certPem);
    assert(ca.ca && certificate.verify(ca.publicKey) && certificate.checkIssued(ca));
    for (const name of [
      'localhost',
      'kubernetes',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'here',
    ])
      assert.equal(certificate.checkHost(name), name);
    for (const address of ['127.0.0.1', '10.96.0.1', '192.0.2.1']) assert.equal(certificate.checkIP(address), address);
    assert.deepEqual(await readdir(dir).then((names) => names.sort()), [
      'ca.crt',
      'ca.key',
      'server.crt',
      'server.key',
    ]);
    assert.equal(await modeOf(path.join(dir, 'ca.key')), '600');
    assert.equal(await modeOf(path.join(dir, 'server.key')), '600');
    assert.equal(await modeOf(dir), '700');
  });

  test('uses what is there, and renews the server certificate for a new name or near its end', async (t) => {
    const dir = await temporaryFolder(t);
    const clock = new ManualClock();
    await ensurePki({ dir, addresses: ['192.0.2.1'], clock });
    const first = await contents(dir);
    await ensurePki({ dir, addresses: ['192.0.2.1'], clock });
    assert.deepEqual(await contents(dir), first);
    await ensurePki({ dir, addresses: ['192.0.2.2'], clock });
    const second = await contents(dir);
    assert.equal(second['ca.crt'], first['ca.crt']);
    assert.notEqual(second['server.crt'], first['server.crt']);
    clock.jump(340 * dayMs);
    await ensurePki({ dir, addresses: ['192.0.2.2'], clock });
    const third = await contents(dir);
    assert.equal(third['ca.crt'], first['ca.crt']);
    assert.notEqual(third['server.crt'], second['server.crt']);
  });

  test('says what is wrong with an authority that cannot be used', async (t) => {
    const dir = await temporaryFolder(t);
    const clock = new ManualClock();
    await ensurePki({ dir, addresses: [], clock });
    clock.jump(3_651 * dayMs);
    await assert.rejects(ensurePki({ dir, addresses: [], clock }), { name: 'UsageError', message: /ca\.crt ended on/ });
    await writeFile(path.join(dir, 'ca.crt'), 'nonsense');
    await assert.rejects(ensurePki({ dir, addresses: [], clock }), { name: 'UsageError', message: /does not read/ });
  });

  test('a start that was broken off between key and certificate is begun anew', async (t) => {
    const dir = await temporaryFolder(t);
    const clock = new ManualClock();
    await ensurePki({ dir, addresses: [], clock });
    await rm(path.join(dir, 'ca.crt'));
    const { caPem, server } = await ensurePki({ dir, addresses: [], clock });
    assert(new X509Certificate(server.certPem).verify(new X509Certificate(caPem).publicKey));
  });
});

describe('client certificates and kubeconfigs', () => {
  test('the certificate bears the user and the groups', async (t) => {
    const clock = new ManualClock();
    const pki = await ensurePki({ dir: await temporaryFolder(t), addresses: [], clock });
    const organizations = ['system:nodes', 'a, b'];
    const { certPem } = await issueClientCertificate({ pki, clock, commonName: 'system:node:node1', organizations });
    const certificate = new X509Certificate(certPem);
    assert.deepEqual({ ...certificate.toLegacyObject().subject }, { O: organizations, CN: 'system:node:node1' });
    assert(certificate.verify(new X509Certificate(pki.caPem).publicKey));
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  });

  test('a kubeconfig that is still good is left alone; for another user or server it is made anew', async (t) => {
    const folder = await temporaryFolder(t);
    const clock = new ManualClock();
    const pki = await ensurePki({ dir: path.join(folder, 'pki'), addresses: [], clock });
    const file = path.join(folder, 'config');
    const server = 'https://192.0.2.1:6443';
    const options = {
      path: file,
      server,
      clusterName: 'one',
      commonName: 'admin',
      organizations: ['system:masters'],
      clock,
    };
    await ensureKubeconfig(pki, options);
    assert.equal(await modeOf(file), '600');
    const config = loadKubeconfig(file);
    assert.deepEqual([config.server, config.ca, config.namespace], [server, pki.caPem, 'default']);
    const first = await readFile(file, 'utf8');
    await ensureKubeconfig(pki, options);
    assert.equal(await readFile(file, 'utf8'), first);
    for (const changed of [{ commonName: 'other' }, { organizations: [] }, { server: 'https://192.0.2.2:6443' }]) {
      await ensureKubeconfig(pki, { ...options, ...changed });
      assert.notEqual(await readFile(file, 'utf8'), first);
      await writeFile(file, first);
    }
    clock.jump(340 * dayMs);
    await ensureKubeconfig(pki, options);
    assert.notEqual(await readFile(file, 'utf8'), first);
  });
});
