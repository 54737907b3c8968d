import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KubectlServer, noKubectl, noServerValidation, startKubectlServer } from './kubectl-harness.ts';

/** The API server with its controllers, as kubectl sees who may do what. */
describe('kubectl and who may do what', { skip: noKubectl }, () => {
  let server: KubectlServer;
  before(async () => {
    server = await startKubectlServer({ withControllers: true });
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

  test('auth whoami tells the certificate’s user and groups', { skip: noServerValidation }, async () => {
    const text = await ok('auth', 'whoami');
    assert.match(text, /^Username +admin$/m);
    assert.match(text, /^Groups +\[system:masters system:authenticated\]$/m);
  });

  test('roles are made, bound, shown and asked about', async () => {
    await ok('create', 'role', 'reader', '--verb=get,list', '--resource=pods,deployments.apps', '--resource-name=web');
    await ok('create', 'role', 'lister', '--verb=get,list,watch', '--resource=pods');
    await ok('create', 'rolebinding', 'jane-lists', '--role=lister', '--user=jane', '--serviceaccount=default:bot');
    assert.match(await ok('get', 'roles'), /^NAME +CREATED AT\nlister +\d{4}-/);
    assert.match(await ok('get', 'rolebindings', '-o', 'wide'), /^jane-lists +Role\/lister +\d+s +jane +default\/bot/m);
    assert.match(await ok('describe', 'role', 'reader'), /deployments\.apps +\[\] +\[web\] +\[get list\]/);
    assert.equal(await ok('auth', 'can-i', 'list', 'pods', '--as=jane'), 'yes\n');
    const { code, stdout } = await server.kubectl(['auth', 'can-i', 'delete', 'pods', '--as=jane']);
    assert.deepEqual([code, stdout], [1, 'no\n']);
    assert.match(await ok('auth', 'can-i', '--list', '--as=jane'), /^pods +\[\] +\[\] +\[get list watch\]$/m);
    assert.equal(await ok('get', 'pods', '--as=system:serviceaccount:default:bot', '-o', 'name'), '');
    assert.equal(
      await refused('get', 'secrets', '--as=jane'),
      'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"\n',
    );
  });

  test('the ClusterRoles that people bind hold rules', async () => {
    await server.until('view is filled in', async () =>
      /endpointslices/.test(await ok('describe', 'clusterrole', 'view')),
    );
    await ok('create', 'rolebinding', 'joe-edits', '--clusterrole=edit', '--user=joe');
    await server.until(
      'edit holds rules',
      async () => (await server.kubectl(['auth', 'can-i', 'create', 'deployments', '--as=joe'])).code === 0,
    );
    await ok('create', 'configmap', 'of-joe', '--from-literal=a=b', '--as=joe');
    assert.match(
      await refused('create', 'rolebinding', 'x', '--clusterrole=admin', '--user=joe', '--as=joe'),
      /User "joe" cannot create resource "rolebindings"/,
    );
    await refused('create', 'configmap', 'x', '-n', 'kube-system', '--as=joe');
  });

  test('create token makes a token that kubectl can show', { skip: noServerValidation }, async () => {
    await ok('create', 'serviceaccount', 'robot');
    const token = (await ok('create', 'token', 'robot', '--duration=20m')).trim();
    const asRobot = [
      '--kubeconfig=/dev/null',
      `--server=${server.url}`,
      `--token=${token}`,
      '--insecure-skip-tls-verify',
    ];
    assert.match(await ok('auth', 'whoami', ...asRobot), /^Username +system:serviceaccount:default:robot$/m);
    assert.match(await refused('get', 'pods', ...asRobot), /User "system:serviceaccount:default:robot" cannot list/);
    await ok('create', 'rolebinding', 'robot-views', '--clusterrole=view', '--serviceaccount=default:robot');
    await ok('get', 'pods', ...asRobot);
    assert.match(await refused('get', 'secrets', ...asRobot), /cannot list resource "secrets"/);
    await ok('delete', 'serviceaccount', 'robot');
    assert.match(await refused('get', 'pods', ...asRobot), /must be logged in|Unauthorized/);
    assert.match(await refused('create', 'token', 'robot'), /serviceaccounts "robot" not found/);
  });

  test('auth reconcile brings a role to what a file says', async () => {
    const file = await server.file(
      'roles.yaml',
      `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lister, namespace: default}
rules: [{apiGroups: [""], resources: [services], verbs: [get]}]
`,
    );
    assert.match(await ok('auth', 'reconcile', '-f', file), /role\.rbac\.authorization\.k8s\.io\/lister reconciled/);
    assert.equal(await ok('auth', 'can-i', 'get', 'services', '--as=jane'), 'yes\n');
    assert.equal(await ok('auth', 'can-i', 'list', 'pods', '--as=jane'), 'yes\n');
  });
});
