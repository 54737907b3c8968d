import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { User } from '../../base/exchange.ts';
import { createMemoryStore } from '../../store/mod.ts';
import type { Store } from '../../store/port.ts';
import { asTable, mergePatch, podBody, startTestServer, type TestServer } from '../test-server.ts';
import { clusterRoles } from './policy/cluster-roles.ts';
import { controllerRoles } from './policy/controller-roles.ts';
import { anonymous, authenticatedGroup } from './users.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const inDefault = `${rbac}/namespaces/default`;
const person = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, authenticatedGroup] });
const jane = person('jane');

const subject = { kind: 'User', name: 'jane' };
const roleBody = (name: string, ...rules: object[]) => ({ metadata: { name }, rules });
const bindingBody = (name: string, kind: string, role: string, ...subjects: object[]) => ({
  metadata: { name },
  roleRef: { kind, name: role },
  subjects,
});
const podReader = { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] };

/** Gives jane a Role of these rules in `default`. */
async function give(server: TestServer, ...rules: object[]): Promise<void> {
  await server.ok('POST', `${inDefault}/roles`, roleBody('given', ...rules));
  await server.ok('POST', `${inDefault}/rolebindings`, bindingBody('given', 'Role', 'given', subject));
}

describe('roles and bindings', () => {
  test('a binding gives what its role allows, in its namespace, and takes it away when it goes', async (t) => {
    const server = await startTestServer(t);
    const as = server.as(jane);
    const url = '/api/v1/namespaces/default/pods';
    const before = await as.refused(403, 'GET', url);
    const message =
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"';
    assert.equal(before, message);
    await give(server, podReader);
    await as.ok('GET', url);
    await as.ok('GET', url, undefined, asTable);
    await as.refused(403, 'GET', '/api/v1/pods');
    await as.refused(403, 'GET', '/api/v1/namespaces/kube-system/pods');
    assert.match(
      await as.refused(403, 'POST', url, podBody('x')),
      /cannot create resource "pods" in API group "" in the namespace "default"$/,
    );
    assert.match(await as.refused(403, 'DELETE', url), /cannot deletecollection resource "pods"/);
    assert.match(await as.refused(403, 'GET', `${url}/x/log`), /^pods "x" is forbidden: .* get resource "pods\/log"/);
    await server.ok('DELETE', `${inDefault}/rolebindings/given`);
    await as.refused(403, 'GET', url);
  });

  test('a group, a ServiceAccount and a ClusterRole in one namespace', async (t) => {
    const server = await startTestServer(t);
    const subjects = [
      { kind: 'Group', name: 'devs' },
      { kind: 'ServiceAccount', name: 'bot' },
    ];
    await server.ok('POST', `${rbac}/clusterroles`, roleBody('pod-reader', podReader));
    await server.ok('POST', `${inDefault}/rolebindings`, bindingBody('b', 'ClusterRole', 'pod-reader', ...subjects));
    for (const user of [person('x', 'devs'), person('system:serviceaccount:default:bot')]) {
      await server.as(user).ok('GET', '/api/v1/namespaces/default/pods');
      await server.as(user).refused(403, 'GET', '/api/v1/namespaces/kube-public/pods');
    }
    await server.as(person('system:serviceaccount:other:bot')).refused(403, 'GET', '/api/v1/namespaces/default/pods');
  });

  test('a name opens one object, in a list and a watch too when a selector pins it', async (t) => {
    const server = await startTestServer(t);
    await give(server, {
      verbs: ['get', 'list', 'watch'],
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: ['a'],
    });
    const url = '/api/v1/namespaces/default/configmaps';
    for (const name of ['a', 'b']) await server.ok('POST', url, { metadata: { name } });
    const as = server.as(jane);
    await as.ok('GET', `${url}/a`);
    await as.refused(403, 'GET', `${url}/b`);
    await as.refused(403, 'GET', url);
    const pinned = await as.ok('GET', `${url}?fieldSelector=metadata.name%3Da`);
    assert.equal(pinned.items.length, 1);
    await as.refused(403, 'GET', `${url}?fieldSelector=metadata.name%3Db`);
    await as.refused(403, 'GET', `${url}?fieldSelector=metadata.name!%3Db`);
    await as.refused(403, 'GET', `${url}?fieldSelector=metadata.name%3Db&watch=1`);
    await as.refused(403, 'GET', `${url}/b?watch=1`);
  });

  test('a binding to a role that is not there says so', async (t) => {
    const server = await startTestServer(t);
    await server.ok('POST', `${inDefault}/rolebindings`, bindingBody('b', 'Role', 'gone', subject));
    assert.match(
      await server.as(jane).refused(403, 'GET', '/api/v1/namespaces/default/pods'),
      /: RBAC: role\.rbac\.authorization\.k8s\.io "gone" not found$/,
    );
  });

  test('whoever may read in a namespace may read the Namespace', async (t) => {
    const server = await startTestServer(t);
    await give(server, { verbs: ['get'], apiGroups: [''], resources: ['namespaces'] });
    await server.as(jane).ok('GET', '/api/v1/namespaces/default');
    await server.as(jane).refused(403, 'GET', '/api/v1/namespaces/kube-system');
  });
});

describe('who has what from the start', () => {
  test('everybody discovers, nobody unknown does more than ask whether the server is well', async (t) => {
    const server = await startTestServer(t);
    for (const url of ['/healthz', '/livez', '/readyz', '/version']) {
      await server.as(anonymous).ok('GET', url);
      await server.as(jane).ok('GET', url);
    }
    for (const url of ['/api', '/api/v1', '/apis', '/openapi/v3', '/openapi/v2']) {
      await server.as(jane).ok('GET', url);
      await server.as(anonymous).refused(403, 'GET', url);
    }
    assert.equal(
      await server.as(anonymous).refused(403, 'GET', '/nothing'),
      'forbidden: User "system:anonymous" cannot get path "/nothing"',
    );
    await server.as(anonymous).refused(403, 'POST', '/healthz');
    await server.as(anonymous).refused(403, 'GET', '/api/v1/namespaces/default/secrets/x');
    await server.as(person('root', 'system:masters')).ok('GET', '/api/v1/secrets');
  });

  test('every default role is there and bound as upstream binds it', async (t) => {
    const { ok } = await startTestServer(t);
    const { items } = await ok('GET', `${rbac}/clusterroles`);
    const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    for (const { name } of [...clusterRoles, ...controllerRoles]) assert.ok(names.includes(name), name);
    const view = await ok('GET', `${rbac}/clusterroles/view`);
    assert.equal(view.metadata.annotations['rbac.authorization.kubernetes.io/autoupdate'], 'true');
    assert.equal(view.metadata.labels['rbac.authorization.k8s.io/aggregate-to-edit'], 'true');
    const { subjects } = await ok('GET', `${rbac}/clusterrolebindings/system:controller:deployment-controller`);
    assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: 'deployment-controller', namespace: 'kube-system' }]);
  });

  test('a start mends what was taken from them, and leaves what was added or is not to be touched', async (t) => {
    const store = createMemoryStore();
    const close = store.close.bind(store);
    store.close = async () => {};
    t.after(close);
    const first = await startTestServer(t, { store });
    const role = (name: string) => `${rbac}/clusterroles/${name}`;
    const more = { verbs: ['get'], apiGroups: [''], resources: ['nodes'] };
    await first.ok('PATCH', role('system:basic-user'), { rules: [more], metadata: { labels: null } }, mergePatch);
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    await first.ok('PATCH', role('system:discovery'), { rules: [], metadata: { annotations } }, mergePatch);
    await first.ok('DELETE', role('system:node-proxier'));
    const binding = `${rbac}/clusterrolebindings/system:kube-scheduler`;
    await first.ok('DELETE', binding);
    await first.ok(
      'POST',
      `${rbac}/clusterrolebindings`,
      bindingBody('system:kube-scheduler', 'ClusterRole', 'view', subject),
    );
    await first.ok('PATCH', `${rbac}/clusterrolebindings/system:discovery`, { subjects: [subject] }, mergePatch);
    await first.server.stop();
    const { ok } = await startTestServer(t, { store });
    const basic = await ok('GET', role('system:basic-user'));
    assert.deepEqual(basic.rules[0], more);
    assert.equal(basic.rules.length, 4);
    assert.equal(basic.metadata.labels['kubernetes.io/bootstrapping'], 'rbac-defaults');
    assert.equal((await ok('GET', role('system:discovery'))).rules, undefined);
    await ok('GET', role('system:node-proxier'));
    assert.equal((await ok('GET', binding)).roleRef.name, 'system:kube-scheduler');
    assert.deepEqual(
      (await ok('GET', `${rbac}/clusterrolebindings/system:discovery`)).subjects.map(
        ({ name }: { name: string }) => name,
      ),
      ['jane', authenticatedGroup],
    );
  });
});

/** Each server hears of the others' writes a moment later, as from a store elsewhere. */
const late = (store: Store): Store =>
  new Proxy(store, {
    get(target, key) {
      if (key === 'watch')
        return (...[prefix, options]: Parameters<Store['watch']>) =>
          target.watch(prefix, { ...options, onEvents: (events) => setImmediate(() => options.onEvents(events)) });
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

test('servers of one store that start at the same time make the default roles together', async (t) => {
  const store = createMemoryStore();
  const close = store.close.bind(store);
  store.close = async () => {};
  t.after(close);
  const servers = await Promise.all([1, 2, 3].map(() => startTestServer(t, { store: late(store), hasPeers: true })));
  for (const { ok } of servers) {
    const { items } = await ok('GET', `${rbac}/clusterroles`);
    assert.ok(items.length >= clusterRoles.length + controllerRoles.length);
  }
});

describe('nobody gives what they do not have', () => {
  const manager = { verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'] };
  const create = {
    verbs: ['create', 'update', 'patch', 'get'],
    apiGroups: manager.apiGroups,
    resources: manager.resources,
  };

  test('by a role', async (t) => {
    const server = await startTestServer(t);
    await give(server, create, podReader);
    const as = server.as(jane);
    const secrets = { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] };
    assert.equal(
      await as.refused(403, 'POST', `${inDefault}/roles`, roleBody('more', secrets)),
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting ' +
        'to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    );
    await as.refused(403, 'POST', `${inDefault}/roles?dryRun=All`, roleBody('more', secrets));
    await as.ok('POST', `${inDefault}/roles`, roleBody('same', podReader));
    await as.refused(403, 'PATCH', `${inDefault}/roles/same`, { rules: [podReader, secrets] }, mergePatch);
    await as.ok('PATCH', `${inDefault}/roles/same`, { metadata: { labels: { a: 'b' } } }, mergePatch);
    await as.refused(403, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', roleBody('x', podReader));
  });

  test('by an aggregation, whatever that will come to', async (t) => {
    const server = await startTestServer(t);
    const all = { verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] };
    await server.ok('POST', `${rbac}/clusterroles`, roleBody('creator', all));
    await server.ok('POST', `${rbac}/clusterrolebindings`, bindingBody('c', 'ClusterRole', 'creator', subject));
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
    const body = { metadata: { name: 'sum' }, aggregationRule };
    assert.match(await server.as(jane).refused(403, 'POST', `${rbac}/clusterroles`, body), /Resources:\["\*"\]/);
  });

  test('by a binding, unless they may bind that role', async (t) => {
    const server = await startTestServer(t);
    await give(server, create);
    const as = server.as(jane);
    const toView = bindingBody('b', 'ClusterRole', 'system:aggregate-to-view', subject);
    assert.match(await as.refused(403, 'POST', `${inDefault}/rolebindings`, toView), /not currently held:\n/);
    assert.equal(
      await as.refused(404, 'POST', `${inDefault}/rolebindings`, bindingBody('b', 'ClusterRole', 'none', subject)),
      'clusterroles.rbac.authorization.k8s.io "none" not found',
    );
    const bind = {
      verbs: ['bind'],
      apiGroups: manager.apiGroups,
      resources: ['clusterroles'],
      resourceNames: ['system:aggregate-to-view'],
    };
    await server.ok('PATCH', `${inDefault}/roles/given`, { rules: [create, bind] }, mergePatch);
    await as.ok('POST', `${inDefault}/rolebindings`, toView);
  });

  test('who may escalate may', async (t) => {
    const server = await startTestServer(t);
    await give(server, manager);
    await server
      .as(jane)
      .ok('POST', `${inDefault}/roles`, roleBody('all', { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }));
  });
});

describe('impersonation', () => {
  const wanted = (user: string, more: object = {}) => ({ user, groups: [], extra: {}, ...more });

  test('each part needs its own right', async (t) => {
    const server = await startTestServer(t);
    const asJane = server.as(jane, wanted('joe', { groups: ['devs'], uid: '7', extra: { scopes: ['a'] } }));
    const rules: [RegExp, object][] = [
      [
        /^users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster/,
        { apiGroups: [''], resources: ['users'], resourceNames: ['joe'] },
      ],
      [/^groups "devs" is forbidden/, { apiGroups: [''], resources: ['groups'] }],
      [
        /^userextras\.authentication\.k8s\.io "a" is forbidden: .*"userextras\/scopes"/,
        { apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes'] },
      ],
      [
        /^uids\.authentication\.k8s\.io "7" is forbidden/,
        { apiGroups: ['authentication.k8s.io'], resources: ['uids'] },
      ],
    ];
    const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const given: object[] = [];
    await server.ok('POST', `${rbac}/clusterroles`, roleBody('imp'));
    await server.ok('POST', `${rbac}/clusterrolebindings`, bindingBody('imp', 'ClusterRole', 'imp', subject));
    for (const [message, rule] of rules) {
      assert.match(await asJane.refused(403, 'POST', who, {}), message);
      given.push({ verbs: ['impersonate'], ...rule });
      await server.ok('PATCH', `${rbac}/clusterroles/imp`, { rules: given }, mergePatch);
    }
    assert.deepEqual((await asJane.ok('POST', who, {})).status.userInfo, {
      username: 'joe',
      uid: '7',
      groups: ['devs', authenticatedGroup],
      extra: { scopes: ['a'] },
    });
    await server.as(jane, wanted('root')).refused(403, 'POST', who, {});
  });

  test('the impersonated have their own rights and no more', async (t: TestContext) => {
    const server = await startTestServer(t);
    const root = person('root', 'system:masters');
    await server.as(root, wanted('joe')).refused(403, 'GET', '/api/v1/pods');
    await server.as(root, wanted('joe', { groups: ['system:masters'] })).ok('GET', '/api/v1/pods');
    const { status } = await server
      .as(root, wanted('system:serviceaccount:default:bot'))
      .ok('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    assert.deepEqual(status.userInfo.groups, [
      'system:serviceaccounts',
      'system:serviceaccounts:default',
      authenticatedGroup,
    ]);
    await server.as(root, wanted('', { groups: ['devs'] })).refused(500, 'GET', '/api');
  });
});

describe('reviews', () => {
  const authz = '/apis/authorization.k8s.io/v1';
  const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'default' };

  test('say what oneself and others may do', async (t) => {
    const server = await startTestServer(t);
    await give(server, podReader);
    const self = (spec: object) => server.as(jane).ok('POST', `${authz}/selfsubjectaccessreviews`, { spec });
    assert.deepEqual((await self({ resourceAttributes })).status, {
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "given/default" of Role "given" to User "jane"',
    });
    assert.deepEqual((await self({ resourceAttributes: { ...resourceAttributes, verb: 'delete' } })).status, {
      allowed: false,
    });
    assert.equal((await self({ nonResourceAttributes: { path: '/version', verb: 'get' } })).status.allowed, true);
    const others = `${authz}/subjectaccessreviews`;
    const spec = { user: 'jane', resourceAttributes };
    await server.as(jane).refused(403, 'POST', others, { spec });
    assert.equal((await server.ok('POST', others, { spec })).status.allowed, true);
    assert.equal((await server.ok('POST', others, { spec: { ...spec, user: 'joe' } })).status.allowed, false);
    const local = `${authz}/namespaces/default/localsubjectaccessreviews`;
    assert.equal((await server.ok('POST', local, { spec })).status.allowed, true);
    const elsewhere = { ...spec, resourceAttributes: { ...resourceAttributes, namespace: 'x' } };
    assert.match(await server.refused(400, 'POST', local, { spec: elsewhere }), /must match namespace: default/);
  });

  test('refuse questions that are none', async (t) => {
    const { refused } = await startTestServer(t);
    const both = { resourceAttributes, nonResourceAttributes: { path: '/', verb: 'get' } };
    const url = `${authz}/selfsubjectaccessreviews`;
    assert.match(await refused(422, 'POST', url, { spec: {} }), /exactly one of nonResourceAttributes or resource/);
    assert.match(await refused(422, 'POST', url, { spec: both }), /cannot be specified in combination/);
    assert.match(
      await refused(422, 'POST', `${authz}/subjectaccessreviews`, { spec: { resourceAttributes } }),
      /user or group/,
    );
    await refused(405, 'GET', url);
    await refused(404, 'GET', `${url}/x`);
  });

  test('list the rules that somebody has', async (t) => {
    const server = await startTestServer(t);
    await give(server, podReader);
    const { status } = await server
      .as(jane)
      .ok('POST', `${authz}/selfsubjectrulesreviews`, { spec: { namespace: 'default' } });
    assert.equal(status.incomplete, false);
    assert.ok(status.resourceRules.some(({ resources }: { resources: string[] }) => resources.includes('pods')));
    assert.ok(
      status.nonResourceRules.some(({ nonResourceURLs }: { nonResourceURLs: string[] }) =>
        nonResourceURLs.includes('/api/*'),
      ),
    );
    const elsewhere = await server
      .as(jane)
      .ok('POST', `${authz}/selfsubjectrulesreviews`, { spec: { namespace: 'kube-system' } });
    assert.ok(
      !elsewhere.status.resourceRules.some(({ resources }: { resources: string[] }) => resources.includes('pods')),
    );
  });
});
