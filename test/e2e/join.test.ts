import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { connect } from '../../src/cli/connect.ts';
import { joinCluster } from '../../src/cli/join.ts';
import { caCertHash } from '../../src/cli/join-discovery.ts';
import { type CertificateWish, obtainCertificate } from '../../src/client/mod.ts';
import { CertificateSigningRequest, Secret } from '../../src/kube/mod.ts';
import { certificateFile, keepCertificate } from '../../src/node/mod.ts';
import { type KubectlServer, noServerValidation, startKubectlServer } from './kubectl-harness.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const clock = systemClock;
const log = silentLogger;

describe('a machine joins a cluster', { skip: noServerValidation }, () => {
  let server: KubectlServer;
  before(async () => {
    server = await startKubectlServer({ withControllers: true });
  });
  after(() => server.stop());

  /** The server is in this process: it must go on while the command runs. */
  const signalbox = (...words: string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [main, ...words], { timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
    });
  const token = async (...words: string[]) => {
    const [verb = '', ...rest] = words;
    const { status, stdout, stderr } = await signalbox('token', verb, ...rest, `--kubeconfig=${server.kubeconfig}`);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const admin = (t: TestContext) => {
    const client = connect(server.kubeconfig, 'test', clock);
    t.after(() => client.close());
    return client;
  };
  const folder = (t: TestContext) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'signalbox-join-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
  };
  const join = (
    t: TestContext,
    stateDir: string,
    nodeName: string,
    given?: string,
    hash = caCertHash(server.caPem),
  ) => {
    // A test that waits for what does not come ends so.
    const signal = AbortSignal.any([AbortSignal.timeout(60_000), t.signal]);
    const credentials = given === undefined ? { caCertHash: [] } : { token: given, caCertHash: [hash] };
    return joinCluster({ join: server.url, ...credentials, stateDir, nodeName, clock, log, signal });
  };

  test('with a token and a hash, and is then known by its own certificate', async (t) => {
    const command = await token('create', '--ttl=1h', '--print-join-command');
    const [, given = '', hash = ''] = /--token (\S+) --ca-cert-hash (\S+)/.exec(command) ?? [];
    const stateDir = folder(t);
    const kubeconfig = await join(t, stateDir, 'one', given, hash);
    const certificate = new X509Certificate(readFileSync(certificateFile(stateDir)));
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:one');
    assert.equal(statSync(certificateFile(stateDir)).mode & 0o777, 0o600);
    const { stdout } = await server.kubectl(['auth', 'whoami', `--kubeconfig=${kubeconfig}`, '-o', 'json']);
    const { userInfo } = JSON.parse(stdout).status;
    assert.deepEqual(
      [userInfo.username, userInfo.groups],
      ['system:node:one', ['system:nodes', 'system:authenticated']],
    );
    const { stdout: table } = await server.kubectl(['get', 'csr']);
    assert.match(
      table,
      /kubernetes\.io\/kube-apiserver-client-kubelet +system:bootstrap:\w{6} +<none> +Approved,Issued/,
    );
    assert.equal(await join(t, stateDir, 'one'), kubeconfig, 'the second time without a token');
    await assert.rejects(join(t, folder(t), 'two'), { name: 'UsageError', message: /no certificate yet/ });
    await token('delete', given.slice(0, 6));
  });

  test('tokens are made, listed without their secrets, and deleted', async () => {
    const given = (await token('create', 'aaaaaa.0123456789abcdef', '--description=rack 7')).trim();
    assert.equal(given, 'aaaaaa.0123456789abcdef');
    const list = await token('list');
    assert.match(list, /^TOKEN +EXPIRES +USAGES/);
    assert.match(
      list,
      /^aaaaaa +\d{4}-\S+Z +authentication,signing +rack 7 +system:bootstrappers:kubeadm:default-node-token$/m,
    );
    assert.ok(!list.includes('0123456789abcdef'));
    assert.equal(await token('delete', given), 'Deleted token aaaaaa\n');
    const again = await signalbox('token', 'delete', 'aaaaaa', `--kubeconfig=${server.kubeconfig}`);
    assert.deepEqual([again.status, /there is none with the id aaaaaa/.test(again.stderr)], [2, true]);
    const wrong = await signalbox('token', 'create', 'secret-stuff', `--kubeconfig=${server.kubeconfig}`);
    assert.equal(wrong.status, 2);
    assert.ok(!wrong.stderr.includes('secret-stuff'));
  });

  test('nobody believes a server that has another authority, or does not know the token’s secret', async (t) => {
    const given = (await token('create')).trim();
    await server.until('the token has signed', async () => {
      const { stdout } = await server.kubectl(['get', 'configmap', '-n', 'kube-public', 'cluster-info', '-o', 'yaml']);
      return stdout.includes(`jws-kubeconfig-${given.slice(0, 6)}`);
    });
    const other = `sha256:${'0'.repeat(64)}`;
    await assert.rejects(join(t, folder(t), 'x', given, other), { code: 'untrusted' });
    const guessed = `${given.slice(0, 7)}${'a'.repeat(16)}`;
    await assert.rejects(join(t, folder(t), 'x', guessed), { code: 'forged' });
    await token('delete', given.slice(0, 6));
  });

  test('a token is deleted when its time is over', async (t) => {
    await token('create', 'bbbbbb.0123456789abcdef', '--ttl=1s');
    const client = admin(t);
    await server.until('it is gone', async () => {
      const { items } = await client.list(Secret, { namespace: 'kube-system' });
      return !items.some(({ metadata }) => metadata.name === 'bootstrap-token-bbbbbb');
    });
    assert.ok(!(await token('list')).includes('bbbbbb'));
  });

  test('a certificate is renewed in time, with the one before it', async (t) => {
    const given = (await token('create')).trim();
    const stateDir = folder(t);
    const kubeconfig = await join(t, stateDir, 'three', given);
    await token('delete', given.slice(0, 6));
    const first = readFileSync(certificateFile(stateDir), 'utf8');
    const client = connect(kubeconfig, 'test', clock);
    t.after(() => client.close());
    // As if most of its life were over: asked a year later, it is the same as now.
    const late = { ...clock, now: () => clock.now() + 340 * 86_400_000 };
    Object.setPrototypeOf(late, Object.getPrototypeOf(clock));
    const keeping = keepCertificate({ client, clock: late, log, stateDir, nodeName: 'three', random: () => 0 });
    await server.until('there is another', async () => readFileSync(certificateFile(stateDir), 'utf8') !== first);
    await keeping.stop();
    const { items } = await admin(t).list(CertificateSigningRequest);
    const own = items.find(({ spec }) => spec.username === 'system:node:three');
    assert.match(own?.status?.conditions?.[0]?.message ?? '', /^Auto approving self kubelet client certificate/);
    const { stdout } = await server.kubectl(['auth', 'whoami', `--kubeconfig=${kubeconfig}`]);
    assert.match(stdout, /system:node:three/);
  });

  test('what is not a node’s to have waits for people, who approve or deny with kubectl', async (t) => {
    const client = admin(t);
    const ask = (wish: Partial<CertificateWish>) => {
      const signal = AbortSignal.any([AbortSignal.timeout(60_000), t.signal]);
      const usages = ['digital signature', 'client auth'];
      const signerName = 'kubernetes.io/kube-apiserver-client';
      return obtainCertificate(
        { commonName: 'jane', organizations: ['devs'], signerName, usages, expirationSeconds: 3_600, ...wish },
        { client, clock, signal },
      );
    };
    const pending = async () => {
      const { items } = await client.list(CertificateSigningRequest);
      return items.find(({ status }) => !status?.conditions?.length)?.metadata.name;
    };
    const decide = async (verb: string) => {
      await server.until('a request waits', async () => (await pending()) !== undefined);
      const { code, stderr } = await server.kubectl(['certificate', verb, (await pending())!]);
      assert.equal(code, 0, stderr);
    };
    const jane = ask({});
    await decide('approve');
    const { certPem } = await jane;
    const certificate = new X509Certificate(certPem);
    assert.equal(certificate.subject, 'O=devs\nCN=jane');
    const hours = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 3_600_000;
    assert.ok(hours < 1.2, `${hours} hours`);
    const denied = assert.rejects(ask({}), { code: 'denied' });
    await decide('deny');
    await denied;
    const masters = assert.rejects(ask({ organizations: ['system:masters'] }), /system:masters group is not allowed/);
    await decide('approve');
    await masters;
  });

  test('a serving certificate needs names to serve under', async (t) => {
    const client = admin(t);
    const signal = AbortSignal.any([AbortSignal.timeout(60_000), t.signal]);
    const wish = {
      commonName: 'system:node:x',
      organizations: ['system:nodes'],
      usages: ['digital signature', 'server auth'],
    };
    const asked = assert.rejects(
      obtainCertificate({ ...wish, signerName: 'kubernetes.io/kubelet-serving' }, { client, clock, signal }),
      /DNS or IP subject alternative name is required/,
    );
    await server.until('it waits', async () => {
      const { items } = await client.list(CertificateSigningRequest);
      const found = items.find(
        ({ spec, status }) => spec.signerName.endsWith('serving') && !status?.conditions?.length,
      );
      if (found) await server.kubectl(['certificate', 'approve', found.metadata.name]);
      return found !== undefined;
    });
    await asked;
  });
});
