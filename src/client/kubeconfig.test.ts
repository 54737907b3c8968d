import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UsageError } from '../base/errors.ts';
import { loadKubeconfig } from './kubeconfig.ts';

const pem = (name: string) => `-----BEGIN ${name}-----\nAAAA\n-----END ${name}-----\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-kubeconfig-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function write(t: TestContext, text: string): string {
  const path = join(folder(t), 'config');
  writeFileSync(path, text);
  return path;
}

const complete = (cluster: string, user: string) => `
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u, namespace: shop}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`;

test('embedded data is decoded', (t) => {
  const cluster = `{server: "https://10.0.0.1:6443", certificate-authority-data: ${base64(pem('CA'))}}`;
  const user = `{client-certificate-data: ${base64(pem('CERT'))}, client-key-data: ${base64(pem('KEY'))}}`;
  assert.deepEqual(loadKubeconfig(write(t, complete(cluster, user))), {
    server: 'https://10.0.0.1:6443',
    ca: pem('CA'),
    cert: pem('CERT'),
    key: pem('KEY'),
    namespace: 'shop',
  });
});

test('further servers stand in an extension', (t) => {
  const others = '{name: signalbox/servers, extension: ["https://10.0.0.2:6443"]}';
  const cluster = `{server: "https://10.0.0.1:6443", extensions: [{name: other, extension: 1}, ${others}]}`;
  assert.deepEqual(loadKubeconfig(write(t, complete(cluster, '{}'))).otherServers, ['https://10.0.0.2:6443']);
  const refused = (extension: string) => () =>
    loadKubeconfig(
      write(
        t,
        complete(`{server: "http://x", extensions: [{name: signalbox/servers, extension: ${extension}}]}`, '{}'),
      ),
    );
  assert.throws(
    refused('x'),
    /clusters\[c\]\.cluster\.extensions\[signalbox\/servers\]\.extension is not a list of URLs/,
  );
  assert.throws(refused('[10.0.0.2]'), /is not a URL with http or https: "10.0.0.2"/);
});

test('files are found beside the kubeconfig, the token’s by its path, since it is renewed', (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'ca.pem'), pem('CA'));
  writeFileSync(join(path, 'token'), 'secret\n');
  const text = complete(
    '{server: "http://x", certificate-authority: ca.pem, insecure-skip-tls-verify: true}',
    '{tokenFile: token}',
  );
  writeFileSync(join(path, 'config'), text);
  assert.deepEqual(loadKubeconfig(join(path, 'config')), {
    server: 'http://x',
    ca: pem('CA'),
    tlsPaths: { ca: join(path, 'ca.pem') },
    tokenFile: join(path, 'token'),
    insecureSkipTlsVerify: true,
    namespace: 'shop',
  });
});

const good = '{server: "https://x"}';
const mistakes: [string, string, string][] = [
  ['an empty file', '', 'It is not a YAML mapping'],
  ['no YAML', 'a: [', 'It is not YAML: '],
  ['no current-context', 'clusters: []', 'current-context is missing'],
  ['no contexts', 'current-context: a', 'contexts is missing or empty'],
  ['an unknown context', 'current-context: a\ncontexts: [{name: b, context: {}}]', 'contexts has no entry named "a"'],
  [
    'no cluster',
    'current-context: a\ncontexts: [{name: a, context: {user: u}}]',
    'contexts[a].context.cluster is missing',
  ],
  [
    'an unknown cluster',
    'current-context: a\ncontexts: [{name: a, context: {cluster: c}}]',
    'clusters is missing or empty',
  ],
  ['no server', complete('{}', '{}'), 'clusters[c].cluster.server is missing'],
  ['a server that is no URL', complete('{server: "10.0.0.1:6443"}', '{}'), 'clusters[c].cluster.server is not a URL'],
  ['a missing user', complete(good, '{}').replace('name: u,', 'name: v,'), 'users has no entry named "u"'],
  ['bad base64', complete(good, '{client-key-data: "%%%"}'), 'users[u].user.client-key-data is not base64'],
  [
    'base64 of no PEM',
    complete('{server: "https://x", certificate-authority-data: AAAA}', '{}'),
    'clusters[c].cluster.certificate-authority-data holds no PEM block',
  ],
  [
    'a missing file',
    complete(good, '{client-key: none.pem}'),
    'users[u].user.client-key names a file that cannot be read: ',
  ],
  [
    'a certificate without its key',
    complete(good, `{client-certificate-data: ${base64(pem('C'))}}`),
    'users[u].user.client-key-data is missing',
  ],
  [
    'a token file that is not there',
    complete(good, '{tokenFile: none}'),
    'users[u].user.tokenFile names a file that cannot be read: ',
  ],
  ['a number for a token', complete(good, '{token: 12}'), 'users[u].user.token is not a string'],
  ['an exec plugin', complete(good, '{exec: {command: aws}}'), 'users[u].user.exec is not supported'],
];

for (const [title, text, state] of mistakes) {
  test(`a kubeconfig with ${title} is refused by file and field`, (t) => {
    const path = write(t, text);
    assert.throws(
      () => loadKubeconfig(path),
      (error) => error instanceof UsageError && error.message.startsWith(`Read kubeconfig ${path}: ${state}`),
    );
  });
}

test('a kubeconfig that does not exist is refused by its path', () => {
  assert.throws(() => loadKubeconfig('/nowhere/config'), /Read kubeconfig \/nowhere\/config: ENOENT/);
});
