import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { ConfigMap, Pod, ServiceAccount, validateSchema } from '../kube/mod.ts';
import { withTwoDashes } from './coredns-flags.ts';
import { dnsCommand } from './dns.ts';

const read = (name: string) =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, '..', '..', 'deploy', name), 'utf8'));
const documents = read('coredns-replacement.yaml');
const configMap = read('coredns-configmap.yaml')[0]!.toJS();
// biome-ignore lint/suspicious/noExplicitAny: a manifest, whose parts the tests check
const objects = new Map<string, any>(documents.map((document) => [document.toJS().kind, document.toJS()]));
const deployment = objects.get('Deployment');
const { template } = deployment.spec;
const [container] = template.spec.containers;

test('The manifest is YAML, and its kinds that we know have no unknown or wrong field', () => {
  assert.deepEqual(
    documents.flatMap(({ errors }) => errors),
    [],
  );
  const kinds = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Deployment'];
  assert.deepEqual([...objects.keys()], kinds);
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'dns' }, spec: template.spec };
  const nothing = { errors: [], unknown: [] };
  assert.deepEqual(validateSchema(ServiceAccount.schema, objects.get('ServiceAccount')), nothing);
  assert.deepEqual(validateSchema(ConfigMap.schema, configMap), nothing);
  assert.deepEqual(validateSchema(Pod.schema, pod), nothing);
  assert.deepEqual(deployment.spec.selector.matchLabels, template.metadata.labels);
});

test('The command knows its flags, and finds its file where it is mounted', () => {
  const [program, command] = container.command;
  assert.deepEqual([program, command], ['/opt/signalbox/bin/signalbox', 'dns']);
  const parsed = dnsCommand();
  assert.deepEqual(parsed.parseOptions(withTwoDashes(container.args)), { operands: [], unknown: [] });
  const [mount] = container.volumeMounts;
  assert.equal(parsed.opts().conf, `${mount.mountPath}/Corefile`);
  assert.equal(template.spec.volumes[0].configMap.name, configMap.metadata.name);
});

test("CoreDNS's flags are taken with one dash or two, and nothing else is touched", () => {
  const given = ['dns', '-conf=a', '-dns.port', '1053', '-p=7', '--quiet', '-version', '-x', 'conf', '-confer'];
  assert.deepEqual(withTwoDashes(given), [
    ...['dns', '--conf=a', '--dns.port', '1053', '--dns.port=7', '--quiet', '--version', '-x', 'conf', '-confer'],
  ]);
});

test('The role lists and watches what names are made from; it may write nothing', () => {
  const verbs = new Map<string, string[]>();
  for (const rule of objects.get('ClusterRole').rules) {
    for (const resource of rule.resources) verbs.set(resource, [...(verbs.get(resource) ?? []), ...rule.verbs]);
  }
  for (const resource of ['services', 'namespaces', 'pods', 'endpointslices']) {
    for (const verb of ['list', 'watch']) assert.ok(verbs.get(resource)?.includes(verb), `${verb} ${resource}`);
  }
  assert.deepEqual(new Set([...verbs.values()].flat()), new Set(['list', 'watch']));
});
