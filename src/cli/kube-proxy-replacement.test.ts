import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { loadKubeconfig } from '../client/mod.ts';
import { ConfigMap, Pod, ServiceAccount, validateSchema } from '../kube/mod.ts';
import { configurationFromFile } from '../proxy/config/mod.ts';
import { proxyCommand } from './proxy.ts';

const path = join(import.meta.dirname, '..', '..', 'deploy', 'kube-proxy-replacement.yaml');
const documents = parseAllDocuments(readFileSync(path, 'utf8'));
// biome-ignore lint/suspicious/noExplicitAny: a manifest, whose parts the tests check
const objects = new Map<string, any>(documents.map((document) => [document.toJS().kind, document.toJS()]));
const template = objects.get('DaemonSet').spec.template;
const [container] = template.spec.containers;

test('The manifest is YAML, and its kinds that we know have no unknown or wrong field', () => {
  assert.deepEqual(
    documents.flatMap(({ errors }) => errors),
    [],
  );
  assert.deepEqual([...objects.keys()], ['ServiceAccount', 'ClusterRoleBinding', 'ConfigMap', 'DaemonSet']);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'kube-proxy' },
    spec: template.spec,
  };
  const nothing = { errors: [], unknown: [] };
  assert.deepEqual(validateSchema(ServiceAccount.schema, objects.get('ServiceAccount')), nothing);
  assert.deepEqual(validateSchema(ConfigMap.schema, objects.get('ConfigMap')), nothing);
  assert.deepEqual(validateSchema(Pod.schema, pod), nothing);
  assert.deepEqual(objects.get('DaemonSet').spec.selector.matchLabels, template.metadata.labels);
});

test('The proxy knows its flags, and finds its files where they are mounted', () => {
  const [program, command, ...words] = container.command;
  assert.deepEqual([program, command], ['/opt/signalbox/bin/signalbox', 'proxy']);
  const parsed = proxyCommand();
  assert.deepEqual(parsed.parseOptions(words), { operands: [], unknown: [] });
  const { config } = parsed.opts();
  const mount = container.volumeMounts.find(({ name }: { name: string }) => name === 'kube-proxy');
  assert.equal(config, `${mount.mountPath}/config.conf`);
  const names = new Set(template.spec.volumes.map(({ name }: { name: string }) => name));
  for (const { name } of container.volumeMounts) assert(names.has(name), name);
});

test('Its configuration and its kubeconfig are read without a warning', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-deploy-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { data } = objects.get('ConfigMap');
  writeFileSync(join(folder, 'config.conf'), data['config.conf']);
  const { config, warnings } = configurationFromFile(join(folder, 'config.conf'), {});
  assert.deepEqual(warnings, []);
  assert.equal(config.clientConnection.kubeconfig, '/var/lib/kube-proxy/kubeconfig.conf');
  assert.equal(container.livenessProbe.httpGet.port, Number(config.healthzBindAddress.split(':').at(-1)));
  // The service account of the Pod, as the kubelet mounts it.
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  writeFileSync(join(folder, 'ca.crt'), '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
  writeFileSync(join(folder, 'token'), 'secret');
  assert(data['kubeconfig.conf'].includes(account));
  writeFileSync(join(folder, 'kubeconfig.conf'), data['kubeconfig.conf'].replaceAll(account, folder));
  const { server, tokenFile } = loadKubeconfig(join(folder, 'kubeconfig.conf'));
  assert.deepEqual([server, tokenFile], ['https://control-plane.example:6443', join(folder, 'token')]);
});

test('It runs in the host’s network, may do there what kube-proxy may, and shares the lock of iptables’ tools', () => {
  const { hostNetwork, serviceAccountName, priorityClassName, tolerations, volumes } = template.spec;
  assert.deepEqual([hostNetwork, priorityClassName], [true, 'system-node-critical']);
  assert.deepEqual(tolerations, [{ operator: 'Exists' }]);
  assert.equal(container.securityContext.privileged, true);
  const hostPaths = Object.fromEntries(
    volumes
      .filter((volume: { hostPath?: object }) => volume.hostPath)
      .map(({ name, hostPath }: { name: string; hostPath: { path: string; type?: string } }) => [name, hostPath]),
  );
  assert.deepEqual(hostPaths, {
    // A directory would be made where there is no file yet, and the tools could not lock it.
    'xtables-lock': { path: '/run/xtables.lock', type: 'FileOrCreate' },
    'lib-modules': { path: '/lib/modules' },
  });
  // Kubernetes' own role for it: get, list and watch nodes, services and endpointslices; create, patch and update events.
  const { roleRef, subjects } = objects.get('ClusterRoleBinding');
  assert.deepEqual([roleRef.kind, roleRef.name], ['ClusterRole', 'system:node-proxier']);
  assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: serviceAccountName, namespace: 'kube-system' }]);
  assert.equal(objects.get('ServiceAccount').metadata.name, serviceAccountName);
});
