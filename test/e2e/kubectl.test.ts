import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type KubectlServer, noKubectl, noServerValidation, startKubectlServer } from './kubectl-harness.ts';

const hostnames = fileURLToPath(new URL('../../examples/hostnames.yaml', import.meta.url));

const nodeAndPod = `
apiVersion: v1
kind: Node
metadata: {name: node1, labels: {kubernetes.io/hostname: node1}}
spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24]}
status:
  capacity: {cpu: "2", memory: 1Gi, pods: "100"}
  addresses: [{type: InternalIP, address: 192.0.2.11}]
  conditions:
  - {type: Ready, status: "True", reason: AgentReady, message: the agent is well,
     lastHeartbeatTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-01T00:00:00Z"}
---
apiVersion: v1
kind: Pod
metadata: {name: answerer, labels: {app: hostnames}}
spec:
  nodeName: node1
  containers:
  - {name: answerer, image: k8s.gcr.io/serve_hostname, ports: [{containerPort: 9376}],
     readinessProbe: {httpGet: {port: 9376}}}
`;

describe('kubectl against our own API server', { skip: noKubectl }, () => {
  let server: KubectlServer;
  before(async () => {
    server = await startKubectlServer();
  });
  after(() => server.stop());

  /** Runs kubectl, expects success and returns what it printed. */
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** Runs kubectl, expects it to fail and returns what it complained about. */
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${stdout}`);
    return stderr;
  };
  // What begins with a brace would be read as JSON.
  const manifest = (text: string) => server.file('manifest.yaml', `---\n${text}`);
  const service = (name: string, spec: string) =>
    manifest(`{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: ${spec}}`);

  test('applies the example word for word, and finds it unchanged the second time', async () => {
    const created = await ok('apply', '-f', hostnames);
    assert.equal(created, 'service/hostnames created\ndeployment.apps/hostnames created\n');
    const again = await ok('apply', '-f', hostnames);
    assert.equal(again, 'service/hostnames unchanged\ndeployment.apps/hostnames unchanged\n');
  });

  test('sees no difference between the example and what it has become', { skip: noServerValidation }, async () => {
    assert.match(await ok('diff', '-f', hostnames), /^$/);
  });

  test('gets tables, wide tables, YAML and JSON', async () => {
    const table = await ok('get', 'services');
    assert.match(table, /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\n/);
    assert.match(table, /^kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\d+s$/m);
    assert.match(await ok('get', 'svc', 'hostnames', '-o', 'wide'), /SELECTOR\nhostnames .* app=hostnames\n$/);
    assert.match(
      await ok('get', 'deploy', '-o', 'wide'),
      /hostnames +0\/3 .* k8s\.gcr\.io\/serve_hostname +app=hostnames/,
    );
    assert.match(await ok('get', 'svc', 'hostnames', '-o', 'yaml'), /\n {2}clusterIP: 10\.96\.\d+\.\d+\n/);
    const { items } = JSON.parse(await ok('get', 'deploy', '-o', 'json'));
    assert.equal(items[0].spec.template.spec.containers[0].image, 'k8s.gcr.io/serve_hostname');
    assert.match(await ok('get', 'all', '-A'), /default +deployment\.apps\/hostnames/);
    assert.equal(
      await ok('get', 'endpoints', 'kubernetes', '--no-headers').then((text) => text.split(/ +/)[1]),
      '192.0.2.1:6443',
    );
  });

  test('follows changes with get -w', async () => {
    const watching = server.follow(['get', 'services', '-w', '--output-watch-events', '-L', 'tier']);
    try {
      await watching.line(/^ADDED +hostnames/);
      await ok('label', 'svc', 'hostnames', 'tier=front');
      assert.match(await watching.line(/^MODIFIED +hostnames/), /front$/);
      await ok('apply', '-f', await service('passing', '{ports: [{port: 80}]}'));
      await watching.line(/^ADDED +passing/);
      await ok('delete', 'svc', 'passing');
      await watching.line(/^DELETED +passing/);
    } finally {
      await watching.stop();
    }
  });

  test('describes a Service, a Deployment, a Pod and a Node', async () => {
    await ok('apply', '-f', await manifest(nodeAndPod));
    assert.match(await ok('describe', 'svc', 'hostnames'), /TargetPort: +9376\/TCP/);
    assert.match(await ok('describe', 'deploy', 'hostnames'), /Replicas: +3 desired/);
    assert.match(await ok('describe', 'pod', 'answerer'), /Readiness: +http-get http:\/\/:9376\//);
    const node = await ok('describe', 'node', 'node1');
    assert.match(node, /Ready +True .* AgentReady +the agent is well/);
    assert.match(node, /^ {2}default +answerer /m);
    assert.match(await ok('get', 'pods', '-o', 'wide'), /^answerer +0\/1 +Pending +0 +\d+s +<none> +node1/m);
  });

  test('scales, labels, annotates', async () => {
    assert.equal(await ok('scale', 'deploy', 'hostnames', '--replicas=5'), 'deployment.apps/hostnames scaled\n');
    assert.equal(await ok('get', 'deploy', 'hostnames', '-o', 'jsonpath={.spec.replicas}'), '5');
    assert.match(await refused('scale', 'deploy', 'hostnames', '--replicas=3', '--current-replicas=9'), /replicas/);
    await ok('annotate', 'svc', 'hostnames', 'note=first');
    assert.match(await refused('annotate', 'svc', 'hostnames', 'note=second'), /--overwrite is false/);
    await ok('label', 'svc', 'hostnames', 'tier-');
    assert.equal(
      await ok('get', 'svc', 'hostnames', '-o', 'jsonpath={.metadata.labels}{.metadata.annotations.note}'),
      'first',
    );
  });

  test('patches in all three ways', async () => {
    const selector = () => ok('get', 'svc', 'hostnames', '-o', 'jsonpath={.spec.selector}');
    await ok('patch', 'svc', 'hostnames', '-p', '{"spec":{"selector":{"tier":"front"}}}');
    assert.equal(await selector(), '{"app":"hostnames","tier":"front"}');
    await ok('patch', 'svc', 'hostnames', '--type=merge', '-p', '{"spec":{"selector":{"tier":null}}}');
    assert.equal(await selector(), '{"app":"hostnames"}');
    await ok(
      'patch',
      'svc',
      'hostnames',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/selector/app","value":"x"}]',
    );
    assert.equal(await selector(), '{"app":"x"}');
    const ports = '{"spec":{"ports":[{"port":81,"name":"more"}]}}';
    await ok('patch', 'svc', 'hostnames', '-p', ports);
    assert.equal(await ok('get', 'svc', 'hostnames', '-o', 'jsonpath={.spec.ports[*].port}'), '81 80');
    await ok('replace', '-f', hostnames);
    assert.equal(await selector(), '{"app":"hostnames"}');
  });

  test('keeps the VIP through apply, replace and another type', async () => {
    const address = () => ok('get', 'svc', 'hostnames', '-o', 'jsonpath={.spec.clusterIP}');
    const first = await address();
    await ok('patch', 'svc', 'hostnames', '-p', '{"spec":{"type":"NodePort"}}');
    assert.match(await ok('get', 'svc', 'hostnames', '--no-headers'), / 80:3[0-2]\d{3}\/TCP /);
    await ok('replace', '-f', hostnames);
    assert.equal(await address(), first);
    const why = await refused('patch', 'svc', 'hostnames', '-p', '{"spec":{"clusterIP":"10.96.7.7"}}');
    assert.match(why, /spec\.clusterIPs\[0\]: Invalid value: .*: may not change once set/);
  });

  test('names the field in what it refuses', { skip: noServerValidation }, async () => {
    assert.match(await refused('apply', '-f', await service('bad', '{prots: []}')), /unknown field "spec\.prots"/);
    assert.match(
      await refused('apply', '-f', await service('bad', '{ports: [{port: 70000}]}')),
      /spec\.ports\[0\]\.port: Invalid value: 70000/,
    );
    assert.match(
      await refused('apply', '-f', await service('bad', '{ports: [{port: 80}], clusterIP: 10.96.0.1}')),
      /spec\.clusterIPs: Invalid value: \["10\.96\.0\.1"\]: failed to allocate IP 10\.96\.0\.1: provided IP is already allocated/,
    );
    await ok('apply', '-f', await service('one', '{type: NodePort, ports: [{port: 80, nodePort: 30080}]}'));
    assert.match(
      await refused('apply', '-f', await service('two', '{type: NodePort, ports: [{port: 80, nodePort: 30080}]}')),
      /spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/,
    );
    const left = await ok('get', 'svc', '-o', 'name');
    assert.equal(left, 'service/hostnames\nservice/kubernetes\nservice/one\n');
    await ok('delete', 'svc', 'one');
    await ok('apply', '-f', await service('two', '{type: NodePort, ports: [{port: 80, nodePort: 30080}]}'));
  });

  test('warns about an unknown field, or ignores it, when asked to', { skip: noServerValidation }, async () => {
    const file = await service('loose', '{prots: [], ports: [{port: 80}]}');
    const { stderr } = await server.kubectl(['apply', '--validate=warn', '-f', file]);
    assert.equal(stderr, 'Warning: unknown field "spec.prots"\n');
    await ok('delete', 'svc', 'loose');
    assert.equal((await server.kubectl(['apply', '--validate=ignore', '-f', file])).stderr, '');
  });

  test('refuses an edit that does not validate, naming the field', { skip: noServerValidation }, async () => {
    // Anchored to a field: a bare number is sooner or later a part of some uid.
    const edit = (expression: string) =>
      server.kubectl(['edit', 'deploy', 'hostnames'], { editor: `sed -i ${expression}` });
    const unknown = await edit('s/replicas:/replicaz:/');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /unknown field "spec\.replicaz"/);
    const wrong = await edit('s/containerPort:.9376/&9/');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /deployments\.apps "hostnames" is invalid/);
    const good = await edit('s/progressDeadlineSeconds:.600/&0/');
    assert.equal(good.stdout, 'deployment.apps/hostnames edited\n');
  });

  test('says of an unknown kind that there is none', async () => {
    const file = await manifest('{apiVersion: example.com/v1, kind: Lamp, metadata: {name: a}}');
    assert.match(await refused('apply', '-f', file), /no matches for kind "Lamp" in version "example\.com\/v1"/);
    assert.match(await refused('get', 'lamps'), /the server doesn't have a resource type "lamps"/);
    assert.match(
      await refused('get', 'svc', 'nothing'),
      /^Error from server \(NotFound\): services "nothing" not found/,
    );
  });

  test('lists and explains its kinds', { skip: noServerValidation }, async () => {
    assert.match(await ok('api-resources'), /^deployments +deploy +apps\/v1 +true +Deployment$/m);
    const groups = await ok('api-versions');
    for (const group of [
      'apps/v1',
      'coordination.k8s.io/v1',
      'discovery.k8s.io/v1',
      'rbac.authorization.k8s.io/v1',
      'v1',
    ])
      assert.ok(groups.split('\n').includes(group), group);
    assert.match(await ok('explain', 'service.spec.clusterIP'), /FIELD: clusterIP <string>/);
    assert.match(await ok('version'), /^Server Version: v1\.\d+\.0\+signalbox/m);
    assert.match(await ok('cluster-info'), /control plane.* is running at https:\/\/127\.0\.0\.1/);
  });

  test('lets a Pod go gracefully, and at once when forced', async () => {
    await ok('delete', 'pod', 'answerer', '--wait=false');
    assert.match(await ok('get', 'pods'), /^answerer +0\/1 +Terminating/m);
    await ok('delete', 'pod', 'answerer', '--force', '--grace-period=0');
    assert.equal(await ok('get', 'pods', '-o', 'name'), '');
  });

  test('keeps a namespace until its contents are gone', async () => {
    await ok('apply', '-f', await manifest('{apiVersion: v1, kind: Namespace, metadata: {name: passing}}'));
    await ok('delete', 'ns', 'passing', '--wait=false');
    assert.match(await ok('get', 'ns'), /^passing +Terminating/m);
    const inside = await manifest('{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: passing}}');
    assert.match(await refused('create', '-f', inside), /because it is being terminated/);
    assert.match(await refused('delete', 'ns', 'default'), /this namespace may not be deleted/);
    const nowhere = await manifest('{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: nowhere}}');
    assert.match(await refused('create', '-f', nowhere), /namespaces "nowhere" not found/);
    await ok(
      'replace',
      '--raw',
      '/api/v1/namespaces/passing/finalize',
      '-f',
      await server.file('finalize.json', '{"metadata":{"name":"passing"},"spec":{"finalizers":[]}}'),
    );
    assert.match(await refused('get', 'ns', 'passing'), /NotFound/);
  });

  test('tries without writing', { skip: noServerValidation }, async () => {
    const file = await service('dry', '{ports: [{port: 80}]}');
    assert.equal(await ok('apply', '--dry-run=server', '-f', file), 'service/dry created (server dry run)\n');
    assert.match(await refused('get', 'svc', 'dry'), /NotFound/);
  });

  test('creates without a manifest, though kubectl sends that in protobuf', async () => {
    await ok('create', 'namespace', 'made');
    await ok('create', 'configmap', 'c', '-n', 'made', '--from-literal=a=b', '--from-literal=empty=');
    const data = await ok('get', 'configmap', 'c', '-n', 'made', '-o', 'jsonpath={.data}');
    assert.deepEqual(JSON.parse(data), { a: 'b', empty: '' });
    await ok('create', 'secret', 'generic', 's', '-n', 'made', '--from-literal=word=open');
    const word = await ok('get', 'secret', 's', '-n', 'made', '-o', 'jsonpath={.data.word}');
    assert.equal(Buffer.from(word, 'base64').toString(), 'open');
    await ok('create', 'serviceaccount', 'robot', '-n', 'made');
    await ok('create', 'service', 'nodeport', 'np', '-n', 'made', '--tcp=80:http', '--node-port=31234');
    const port = await ok(
      'get',
      'svc',
      'np',
      '-n',
      'made',
      '-o',
      'jsonpath={.spec.ports[0].targetPort} {.spec.ports[0].nodePort}',
    );
    assert.equal(port, 'http 31234');
    await ok('create', 'deployment', 'web', '-n', 'made', '--image=nginx', '--replicas=0', '--', 'sleep', '5');
    const command = '{.spec.replicas} {.spec.template.spec.containers[0].command}';
    assert.equal(await ok('get', 'deploy', 'web', '-n', 'made', '-o', `jsonpath=${command}`), '0 ["sleep","5"]');
    await ok('expose', 'deployment', 'web', '-n', 'made', '--port=80');
    await ok('run', 'single', '-n', 'made', '--image=nginx');
    await ok('set', 'image', 'deploy/web', '-n', 'made', 'nginx=nginx:2');
    await ok('rollout', 'restart', 'deploy', 'web', '-n', 'made');
    await ok('create', 'job', 'j', '-n', 'made', '--image=x', '--', 'true');
    assert.match(await ok('get', 'jobs', '-n', 'made'), /^j +Running +0\/1 /m);
    await ok('create', 'ingress', 'i', '-n', 'made', '--rule=example.com/*=web:80', '--class=own');
    assert.match(await ok('get', 'ingress', '-n', 'made'), /^i +own +example\.com +80 /m);
    // Older ones ask for its beta.
    if (!noServerValidation) {
      await ok('create', 'poddisruptionbudget', 'b', '-n', 'made', '--selector=app=web', '--min-available=1');
      assert.match(await ok('get', 'pdb', '-n', 'made'), /^b +1 +N\/A +0 /m);
    }
    await ok('create', 'priorityclass', 'high', '--value=1000');
    assert.match(await ok('get', 'priorityclasses'), /^high +1000 +false /m);
    const cronJob = ['create', 'cronjob', 'c', '--image=x', '--schedule=* * * * *'];
    assert.match(await refused(...cronJob), /could not find the requested resource/);
  });

  test('cordons and drains a node', async () => {
    await ok('apply', '-f', await manifest(nodeAndPod));
    await ok('cordon', 'node1');
    assert.match(await ok('get', 'nodes'), /^node1 +Ready,SchedulingDisabled/m);
    const draining = server.kubectl(['drain', 'node1', '--force', '--grace-period=1', '--timeout=30s']);
    while (!(await ok('get', 'pods')).includes('Terminating')) await new Promise((resolve) => setImmediate(resolve));
    await ok('delete', 'pod', 'answerer', '--force', '--grace-period=0');
    assert.equal((await draining).code, 0);
    await ok('uncordon', 'node1');
  });

  test('deletes what a manifest names', async () => {
    const deleted = await ok('delete', '-f', hostnames);
    assert.equal(deleted, 'service "hostnames" deleted\ndeployment.apps "hostnames" deleted\n');
    assert.match(await refused('delete', '-f', hostnames), /services "hostnames" not found/);
    await ok('delete', '-f', hostnames, '--ignore-not-found');
  });
});
