import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { User } from '../../base/exchange.ts';
import { asTable, mergePatch, podBody, startTestServer } from '../test-server.ts';
import { authenticatedGroup, nodesGroup } from './users.ts';

const node = (name: string): User => ({ name: `system:node:${name}`, groups: [nodesGroup, authenticatedGroup] });
const one = node('one');
const inDefault = '/api/v1/namespaces/default';
const partial = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
const partialList = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

const referring = {
  imagePullSecrets: [{ name: 'pull' }],
  initContainers: [{ name: 'i', image: 'i', envFrom: [{ secretRef: { name: 'env-from' } }] }],
  containers: [
    {
      name: 'c',
      image: 'i',
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } }],
      envFrom: [{ configMapRef: { name: 'config' } }],
    },
  ],
  volumes: [
    { name: 'a', secret: { secretName: 'volume' } },
    { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'config-2' } }] } },
  ],
};
const referred = ['pull', 'env-from', 'env', 'volume', 'projected'];

/** Nodes one and two; a Pod on each, of which the first refers to every Secret in `referred`. */
async function startCluster(t: TestContext) {
  const server = await startTestServer(t);
  for (const name of ['one', 'two']) await server.ok('POST', '/api/v1/nodes', { metadata: { name } });
  for (const name of [...referred, 'other']) {
    const body = { metadata: { name, labels: { a: 'b' } }, stringData: { k: `${name}-secret` } };
    await server.ok('POST', `${inDefault}/secrets`, body);
  }
  for (const name of ['config', 'config-2', 'other'])
    await server.ok('POST', `${inDefault}/configmaps`, { metadata: { name } });
  await server.ok('POST', `${inDefault}/pods`, podBody('first', { nodeName: 'one', ...referring }));
  await server.ok('POST', `${inDefault}/pods`, podBody('second', { nodeName: 'two' }));
  return server;
}

describe('an agent reads what its Pods refer to', () => {
  test('and nothing of what belongs to Pods of others', async (t) => {
    const server = await startCluster(t);
    for (const name of referred) {
      await server.as(one).ok('GET', `${inDefault}/secrets/${name}`);
      assert.equal(
        await server.as(node('two')).refused(403, 'GET', `${inDefault}/secrets/${name}`),
        `secrets "${name}" is forbidden: User "system:node:two" cannot get resource "secrets" in API group "" in the ` +
          `namespace "default": no relationship found between node 'two' and this object`,
      );
    }
    for (const name of ['config', 'config-2']) await server.as(one).ok('GET', `${inDefault}/configmaps/${name}`);
    await server.as(one).refused(403, 'GET', `${inDefault}/configmaps/other`);
    await server.as(one).ok('GET', `${inDefault}/secrets?fieldSelector=metadata.name%3Denv`);
    await server.as(one).ok('GET', `${inDefault}/pods/first`);
    await server.as(one).refused(403, 'GET', `${inDefault}/pods/second`);
  });

  test('from the binding of the Pod to its end', async (t) => {
    const server = await startCluster(t);
    const url = `${inDefault}/secrets/other`;
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }];
    await server.ok('POST', `${inDefault}/pods`, podBody('late', { containers: [{ name: 'c', image: 'i', env }] }));
    await server.as(one).refused(403, 'GET', url);
    await server.ok('POST', `${inDefault}/pods/late/binding`, { target: { name: 'one' } });
    await server.as(one).ok('GET', url);
    await server.ok('DELETE', `${inDefault}/pods/late?gracePeriodSeconds=0`);
    await server.as(one).refused(403, 'GET', url);
  });

  test('a group without the name, or the name without the group, is no agent', async (t) => {
    const server = await startCluster(t);
    for (const user of [
      { ...one, groups: [authenticatedGroup] },
      { ...one, name: 'one' },
    ]) {
      await server.as(user).refused(403, 'GET', `${inDefault}/secrets/env`);
      await server.as(user).refused(403, 'GET', '/api/v1/nodes');
    }
    assert.match(
      await server.as(node('')).refused(403, 'GET', `${inDefault}/secrets/env`),
      /: unknown node for user "system:node:"$/,
    );
  });
});

/** Every way that the API has to show an object, or what is in it. */
const waysToASecret: [string, string, unknown?, Record<string, string>?][] = [
  ['GET', '/secrets/other'],
  ['GET', '/secrets/other', undefined, asTable],
  ['GET', '/secrets/other', undefined, partial],
  ['GET', '/secrets/other?resourceVersion=0'],
  ['GET', '/secrets/other?watch=1'],
  ['GET', '/secrets/other/status'],
  ['GET', '/secrets/other/scale'],
  ['HEAD', '/secrets/other'],
  ['GET', '/secrets'],
  ['GET', '/secrets?limit=1'],
  ['GET', '/secrets', undefined, asTable],
  ['GET', '/secrets?includeObject=Object', undefined, asTable],
  ['GET', '/secrets', undefined, partialList],
  ['GET', '/secrets?labelSelector=a%3Db'],
  ['GET', '/secrets?fieldSelector=type%3DOpaque'],
  ['GET', '/secrets?fieldSelector=metadata.name%3Dother'],
  ['GET', '/secrets?fieldSelector=metadata.name%21%3Denv'],
  ['GET', '/secrets?fieldSelector=metadata.namespace%3Ddefault'],
  ['GET', '/secrets?watch=1'],
  ['GET', '/secrets?watch=true&resourceVersion=0&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'],
  ['GET', '/secrets?watch=1&fieldSelector=metadata.name%3Dother'],
  ['POST', '/secrets', { metadata: { name: 'new' } }],
  ['POST', '/secrets?dryRun=All', { metadata: { name: 'other' } }],
  ['PUT', '/secrets/other', { metadata: { name: 'other' } }],
  ['PUT', '/secrets/other?dryRun=All', { metadata: { name: 'other' } }],
  ['PATCH', '/secrets/other', {}, mergePatch],
  ['PATCH', '/secrets/other?dryRun=All', {}, mergePatch],
  [
    'PATCH',
    '/secrets/other',
    [{ op: 'test', path: '/data/k', value: 'x' }],
    { 'content-type': 'application/json-patch+json' },
  ],
  ['PATCH', '/secrets/other?fieldManager=x', {}, { 'content-type': 'application/apply-patch+yaml' }],
  ['DELETE', '/secrets/other'],
  ['DELETE', '/secrets/other?dryRun=All'],
  ['DELETE', '/secrets'],
  ['DELETE', '/secrets?dryRun=All'],
];

const inAllNamespaces: [string, string, unknown?, Record<string, string>?][] = [
  ['GET', '/api/v1/secrets'],
  ['GET', '/api/v1/secrets?fieldSelector=metadata.name%3Dother,metadata.namespace%3Ddefault'],
  ['GET', '/api/v1/secrets?watch=1'],
  ['GET', '/api/v1/secrets', undefined, asTable],
  ['GET', '/api/v1//namespaces/default/secrets/other'],
  ['GET', '/api/v1/namespaces/default/secrets/%6fther'],
  ['GET', '/api/v1/namespaces/default/%73ecrets/other'],
  ['GET', '/api/v1/watch/namespaces/default/secrets/other'],
  ['GET', '/apis//v1/namespaces/default/secrets/other'],
];

describe('no way leads to a Secret that one has no right to', () => {
  const nobody: User = { name: 'nobody', groups: [authenticatedGroup] };
  const reader: User = { name: 'system:serviceaccount:default:viewer', groups: [authenticatedGroup] };

  test('for an agent, a viewer, somebody and nobody', async (t) => {
    const server = await startCluster(t);
    await server.ok('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'viewer' },
      roleRef: { kind: 'ClusterRole', name: 'system:aggregate-to-view' },
      subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'default' }],
    });
    const ways = [
      ...waysToASecret.map(([method, path, ...rest]) => [method, inDefault + path, ...rest] as const),
      ...inAllNamespaces,
    ];
    const before = await server.ok('GET', `${inDefault}/secrets/other`);
    for (const user of [one, reader, nobody, { name: 'system:anonymous', groups: ['system:unauthenticated'] }]) {
      for (const [method, url, body, headers] of ways) {
        const { status, body: answer } = await server.as(user).call(method, url, body, headers);
        // Some of these addresses are none.
        assert.ok(status === 403 || (status === 404 && !url.startsWith(inDefault)), `${user.name}: ${method} ${url}`);
        assert.doesNotMatch(JSON.stringify(answer), /b3RoZXItc2VjcmV0/);
      }
    }
    assert.deepEqual(await server.ok('GET', `${inDefault}/secrets/other`), before);
  });

  test('nor by a Pod that an agent makes up, a status, an Event, or a role of its own', async (t) => {
    const server = await startCluster(t);
    const as = server.as(one);
    const secret = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] };
    const spec = { nodeName: 'one', containers: [{ name: 'c', image: 'i', ...secret }] };
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
    assert.match(
      await as.refused(403, 'POST', `${inDefault}/pods`, podBody('p', spec)),
      /can only create mirror pods$/,
    );
    assert.match(
      await as.refused(403, 'POST', `${inDefault}/pods`, podBody('p', spec, mirror)),
      /can not create pods that reference /,
    );
    await as.refused(403, 'POST', `${inDefault}/pods/second/binding`, { target: { name: 'one' } });
    await as.refused(403, 'PATCH', `${inDefault}/pods/first`, { spec }, mergePatch);
    const status = { metadata: { name: 'first' }, spec, status: { phase: 'Running' } };
    const answer = await as.ok('PUT', `${inDefault}/pods/first/status`, { ...podBody('first'), ...status });
    assert.doesNotMatch(JSON.stringify(answer), /"other"/);
    await as.refused(403, 'GET', `${inDefault}/secrets/other`);
    const binding = { metadata: { name: 'x' }, roleRef: { kind: 'ClusterRole', name: 'admin' } };
    await as.refused(403, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding);
  });
});

describe('an agent writes what is its own', () => {
  test('its Node, without what others steer by', async (t) => {
    const server = await startCluster(t);
    const as = server.as(one);
    const change = (name: string, body: object) => ['PATCH', `/api/v1/nodes/${name}`, body, mergePatch] as const;
    const labels = (key: string) => ({ metadata: { labels: { [key]: 'x' } } });
    await as.ok(...change('one', labels('kubernetes.io/hostname')));
    await as.ok(...change('one', labels('example.com/disk')));
    await as.ok('PATCH', '/api/v1/nodes/one/status', { status: {} }, mergePatch);
    assert.equal(
      await as.refused(403, ...change('two', labels('a'))),
      'nodes "two" is forbidden: node "one" is not allowed to modify node "two"',
    );
    await as.refused(403, 'PATCH', '/api/v1/nodes/two/status', { status: {} }, mergePatch);
    for (const key of ['node-restriction.kubernetes.io/pci', 'node-role.kubernetes.io/control-plane', 'x.k8s.io/a'])
      assert.match(await as.refused(403, ...change('one', labels(key))), /is not allowed to modify labels: /);
    const taints = [{ key: 'a', effect: 'NoSchedule' }];
    assert.match(await as.refused(403, ...change('one', { spec: { taints } })), /not allowed to modify taints$/);
    await as.refused(403, 'DELETE', '/api/v1/nodes/one');
    await as.refused(403, 'POST', '/api/v1/nodes', { metadata: { name: 'three' } });
    await server.as(node('three')).ok('POST', '/api/v1/nodes', { metadata: { name: 'three' } });
  });

  test('its Lease', async (t) => {
    const server = await startCluster(t);
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const lease = (name: string) => ({ metadata: { name }, spec: { holderIdentity: 'x' } });
    await server.as(one).ok('POST', leases, lease('one'));
    await server.as(one).ok('GET', `${leases}/one`);
    await server.as(one).refused(403, 'POST', leases, lease('two'));
    await server.as(one).refused(403, 'GET', `${leases}/two`);
    await server.as(one).refused(403, 'GET', leases);
    await server.as(one).refused(403, 'POST', leases.replace('kube-node-lease', 'default'), lease('one'));
  });

  test('the status of its Pods, and their end', async (t) => {
    const server = await startCluster(t);
    const as = server.as(one);
    const status = { status: { phase: 'Running' } };
    await as.ok('PATCH', `${inDefault}/pods/first/status`, status, mergePatch);
    assert.match(
      await as.refused(403, 'PATCH', `${inDefault}/pods/second/status`, status, mergePatch),
      /node "one" can only update pod status for pods with spec\.nodeName set to itself$/,
    );
    await as.refused(403, 'DELETE', `${inDefault}/pods/second`);
    await as.refused(403, 'POST', `${inDefault}/pods/second/eviction`, {});
    await as.refused(403, 'GET', `${inDefault}/pods`);
    await as.refused(403, 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dtwo');
    await as.ok('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Done');
    await as.ok('DELETE', `${inDefault}/pods/first?gracePeriodSeconds=0`);
  });
});
