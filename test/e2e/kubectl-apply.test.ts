import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KubectlServer, noKubectl, noServerValidation, startKubectlServer } from './kubectl-harness.ts';

const deployment = (replicas: number, more = '') => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: nginx, image: "nginx:1"${more}}
`;

describe('kubectl apply --server-side against our own API server', { skip: noKubectl || noServerValidation }, () => {
  let server: KubectlServer;
  before(async () => {
    server = await startKubectlServer();
  });
  after(() => server.stop());

  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${stdout}`);
    return stderr;
  };
  const manifest = (text: string) => server.file('manifest.yaml', text);
  const managers = (name: string) =>
    ok(
      'get',
      'deploy',
      name,
      '--show-managed-fields',
      '-o',
      'jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}',
    );

  test('creates, finds no difference, and shows who owns what', async () => {
    assert.equal(
      await ok('apply', '--server-side', '-f', await manifest(deployment(2))),
      'deployment.apps/web serverside-applied\n',
    );
    assert.equal(await ok('diff', '--server-side', '-f', await manifest(deployment(2))), '');
    const changed = await server.kubectl(['diff', '--server-side', '-f', await manifest(deployment(4))]);
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /^-\s+replicas: 2\n\+\s+replicas: 4$/m);
    assert.equal(await managers('web'), 'kubectl/Apply ');
    assert.doesNotMatch(await ok('get', 'deploy', 'web', '-o', 'yaml'), /managedFields/);
    assert.match(await ok('get', 'deploy', 'web', '-o', 'yaml', '--show-managed-fields'), /f:replicas: \{\}/);
  });

  test('is told whose fields it would take, and takes them by force', async () => {
    await ok('scale', 'deploy', 'web', '--replicas=5');
    const complaint = await refused('apply', '--server-side', '-f', await manifest(deployment(2)));
    assert.match(
      complaint,
      /Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
    );
    await ok('apply', '--server-side', '--force-conflicts', '-f', await manifest(deployment(2)));
    assert.equal(await ok('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '2');
    assert.equal(await managers('web'), 'kubectl/Apply ');
  });

  test('a field that is no longer applied is gone, one that another manager has set stays', async () => {
    await ok('apply', '--server-side', '-f', await manifest(deployment(2, ', env: [{name: A, value: "1"}]')));
    await ok('set', 'env', 'deploy/web', 'B=2');
    await ok('apply', '--server-side', '-f', await manifest(deployment(2)));
    const names = 'jsonpath={.spec.template.spec.containers[0].env[*].name}';
    assert.equal(await ok('get', 'deploy', 'web', '-o', names), 'B');
  });

  test('goes from client-side to server-side apply and back', async () => {
    const other = (replicas: number) => deployment(replicas).replaceAll('name: web', 'name: both');
    await ok('apply', '-f', await manifest(other(1)));
    assert.equal(await managers('both'), 'kubectl-client-side-apply/Update ');
    await ok('apply', '--server-side', '-f', await manifest(other(3)));
    assert.equal(await managers('both'), 'kubectl/Apply kubectl-last-applied/Apply ');
    const last = 'jsonpath={.metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration}';
    assert.equal(JSON.parse(await ok('get', 'deploy', 'both', '-o', last)).spec.replicas, 3);
    await ok('apply', '-f', await manifest(other(4)));
    assert.equal(await ok('get', 'deploy', 'both', '-o', 'jsonpath={.spec.replicas}'), '4');
  });

  test('a dry run on the server changes nothing', async () => {
    await ok('apply', '--server-side', '--dry-run=server', '--force-conflicts', '-f', await manifest(deployment(9)));
    assert.equal(await ok('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '2');
  });

  test('applies to the status alone, and to every kind that the example has', async () => {
    await ok(
      'apply',
      '--server-side',
      '--subresource=status',
      '-f',
      await manifest('---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nstatus: {replicas: 2}\n'),
    );
    assert.equal(await ok('get', 'deploy', 'web', '-o', 'jsonpath={.status.replicas}'), '2');
    const example = new URL('../../examples/hostnames.yaml', import.meta.url).pathname;
    assert.match(await ok('apply', '--server-side', '-f', example), /service\/hostnames serverside-applied/);
    assert.match(await ok('apply', '--server-side', '-f', example), /service\/hostnames serverside-applied/);
  });

  test('a mistake is told by its field', async () => {
    const complaint = await refused(
      'apply',
      '--server-side',
      '--validate=false',
      '-f',
      await manifest(deployment(2, ', imag: x')),
    );
    assert.match(complaint, /\.spec\.template\.spec\.containers\[name="nginx"\]\.imag: field not declared in schema/);
  });
});
