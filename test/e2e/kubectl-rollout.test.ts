import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KubectlServer, noKubectl, startKubectlServer } from './kubectl-harness.ts';

const manifest = (kind: string, name: string, spec = '') => `---
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:${spec}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers: [{name: c, image: "app:1"}]
`;

describe('kubectl rollout against controllers of our own', { skip: noKubectl }, () => {
  let server: KubectlServer;
  before(async () => {
    server = await startKubectlServer({ withControllers: true, nodes: 3 });
  });
  after(() => server.stop());

  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const image = (object: string) => ok('get', object, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
  const images = async (name: string) =>
    (await ok('get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].spec.containers[0].image}')).split(' ');
  const apply = async (text: string) => ok('apply', '-f', await server.file('manifest.yaml', text));

  for (const [kind, object, extra] of [
    ['StatefulSet', 'statefulset/ordered', '\n  replicas: 3\n  serviceName: ordered'],
    ['DaemonSet', 'daemonset/everywhere', ''],
    ['Deployment', 'deployment/web', '\n  replicas: 3'],
  ] as const)
    test(`${kind}: status, history, undo and restart`, async () => {
      const name = object.split('/')[1]!;
      await apply(manifest(kind, name, extra));
      assert.match(await ok('rollout', 'status', object, '--timeout=60s'), /successfully rolled out|roll out complete/);
      assert.deepEqual(await images(name), ['app:1', 'app:1', 'app:1']);
      await ok('set', 'image', object, 'c=app:2');
      await ok('rollout', 'status', object, '--timeout=60s');
      await server.until('the Pods are new', async () => (await images(name)).join() === 'app:2,app:2,app:2');
      assert.match(await ok('rollout', 'history', object), /^1 +<none>\n2 +<none>$/m);
      assert.match(await ok('rollout', 'history', object, '--revision=1'), /app:1/);
      await ok('rollout', 'undo', object);
      await ok('rollout', 'status', object, '--timeout=60s');
      assert.equal(await image(object), 'app:1');
      await server.until('the Pods are old again', async () => (await images(name)).join() === 'app:1,app:1,app:1');
      await ok('rollout', 'restart', object);
      assert.match(await ok('rollout', 'status', object, '--timeout=60s'), /successfully rolled out|roll out complete/);
    });

  test('a StatefulSet is scaled in order and printed as upstream prints it', async () => {
    await ok('scale', 'statefulset', 'ordered', '--replicas=1');
    await ok('rollout', 'status', 'statefulset/ordered', '--timeout=60s');
    await server.until('one Pod is left', async () => (await images('ordered')).length === 1);
    assert.match(await ok('get', 'pods', '-l', 'app=ordered'), /^ordered-0 /m);
    await server.until('it says so', async () => /^ordered +1\/1 /m.test(await ok('get', 'sts')));
    assert.match(await ok('describe', 'statefulset', 'ordered'), /Update Strategy: +RollingUpdate/);
    assert.match(await ok('get', 'controllerrevisions'), /ordered-\w+ +statefulset\.apps\/ordered +\d/);
  });

  test('a DaemonSet is printed and described as upstream does', async () => {
    assert.match(await ok('get', 'ds'), /^everywhere +3 +3 +3 +3 +3 +<none> /m);
    assert.match(await ok('describe', 'daemonset', 'everywhere'), /Desired Number of Nodes Scheduled: 3/);
  });

  test('deleting one takes its Pods and revisions along', async () => {
    await ok('delete', 'statefulset', 'ordered');
    await ok('delete', 'daemonset', 'everywhere');
    await server.until('nothing is left', async () => {
      const left = await ok('get', 'pods,controllerrevisions', '-o', 'name', '-l', 'app in (ordered,everywhere)');
      return left === '';
    });
  });
});
