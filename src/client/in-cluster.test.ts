import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import { inClusterConfig } from './in-cluster.ts';
import { tokenFile } from './token-file.ts';

const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

function mount(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-in-cluster-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('a Pod finds its cluster in its environment and its service account', (t) => {
  const folder = mount(t, { token: 'secret\n', 'ca.crt': pem, namespace: 'kube-system\n' });
  assert.deepEqual(inClusterConfig({ environment, folder }), {
    server: 'https://10.96.0.1:443',
    ca: pem,
    tlsPaths: { ca: join(folder, 'ca.crt') },
    tokenFile: join(folder, 'token'),
    namespace: 'kube-system',
  });
  const ipv6 = { ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1' };
  assert.equal(inClusterConfig({ environment: ipv6, folder }).server, 'https://[fd00::1]:443');
});

test('what is missing is named', (t) => {
  const refusal = (files: Record<string, string>, variables: Record<string, string> = environment) => {
    const folder = mount(t, files);
    try {
      inClusterConfig({ environment: variables, folder });
    } catch (error) {
      assert(error instanceof UsageError);
      return error.message.replace(folder, 'FOLDER');
    }
    return 'none';
  };
  assert.match(refusal({ token: 'x', 'ca.crt': pem }, {}), /KUBERNETES_SERVICE_HOST and .* must be defined$/);
  assert.match(refusal({ 'ca.crt': pem }), /FOLDER\/token does not exist$/);
  assert.match(refusal({ token: 'x' }), /ENOENT.*ca\.crt/);
  assert.match(refusal({ token: 'x', 'ca.crt': 'nothing' }), /FOLDER\/ca\.crt holds no PEM block/);
});

test('a renewed token is read within a minute, or when the old one is refused', async (t) => {
  const folder = mount(t, { token: 'one\n' });
  const path = join(folder, 'token');
  const clock = new ManualClock();
  const source = tokenFile(path, clock);
  assert.equal(source.get(), 'one');
  writeFileSync(path, 'two\n');
  await clock.advance(59_999);
  assert.equal(source.get(), 'one');
  await clock.advance(1);
  assert.equal(source.get(), 'two');
  writeFileSync(path, 'three\n');
  source.refused();
  assert.equal(source.get(), 'three');
});

test('a token file that is away or empty for a moment leaves the last token in use', async (t) => {
  const folder = mount(t, { token: 'one' });
  const path = join(folder, 'token');
  const clock = new ManualClock();
  const source = tokenFile(path, clock);
  source.get();
  unlinkSync(path);
  source.refused();
  assert.equal(source.get(), 'one');
  writeFileSync(path, '\n');
  source.refused();
  assert.equal(source.get(), 'one');
});
