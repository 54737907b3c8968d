import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { User } from '../../base/exchange.ts';
import { mergePatch, startTestServer } from '../test-server.ts';

const url = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const pem = (type: string) => Buffer.from(`-----BEGIN ${type}-----\nAA==\n-----END ${type}-----\n`).toString('base64');
const body = (spec: object = {}) => ({
  metadata: { name: 'r' },
  spec: {
    request: pem('CERTIFICATE REQUEST'),
    signerName: 'example.com/lamps',
    usages: ['client auth'],
    ...spec,
  },
});
const jane: User = { name: 'jane', uid: '7', groups: ['devs', 'system:authenticated'], extra: { scopes: ['a'] } };
const condition = (type: string) => ({ type, status: 'True', reason: 'x', message: 'y' });
const withConditions = (...conditions: object[]) => ({ status: { conditions } });

async function start(t: Parameters<typeof startTestServer>[0], ...verbs: [string, string, string?][]) {
  const server = await startTestServer(t);
  const rules = [
    {
      verbs: ['create', 'update', 'patch'],
      apiGroups: ['certificates.k8s.io'],
      resources: [
        'certificatesigningrequests',
        'certificatesigningrequests/approval',
        'certificatesigningrequests/status',
      ],
    },
    ...verbs.map(([verb, resource, name]) => ({
      ...{ verbs: [verb], apiGroups: ['certificates.k8s.io'], resources: [resource] },
      ...(name && { resourceNames: [name] }),
    })),
  ];
  await server.ok('POST', `${rbac}/clusterroles`, { metadata: { name: 'x' }, rules });
  await server.ok('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'x' },
    roleRef: { kind: 'ClusterRole', name: 'x' },
    subjects: [{ kind: 'User', name: 'jane' }],
  });
  return { server, as: server.as(jane) };
}

test('who asks is written in by the server, whatever the request says, and stays', async (t) => {
  const { as, server } = await start(t);
  const forged = { username: 'root', groups: ['system:masters'], uid: '0', extra: { a: ['b'] } };
  const { spec } = await as.ok('POST', url, body(forged));
  const { username, uid, groups, extra } = spec;
  assert.deepEqual(
    { username, uid, groups, extra },
    { username: 'jane', uid: '7', groups: jane.groups, extra: jane.extra },
  );
  await server.ok('PATCH', `${url}/r`, { spec: { username: 'root', signerName: 'example.com/other' } }, mergePatch);
  const after = await server.ok('GET', `${url}/r`);
  assert.deepEqual(after.spec, spec);
});

test('only who may approve for that signer approves, by name or by domain', async (t) => {
  for (const [name, allowed] of [
    ['example.com/lamps', true],
    ['example.com/*', true],
    ['example.com/other', false],
  ] as const) {
    const { as } = await start(t, ['approve', 'signers', name]);
    await as.ok('POST', url, body());
    const change = ['PATCH', `${url}/r/approval`, withConditions(condition('Approved')), mergePatch] as const;
    if (allowed) await as.ok(...change);
    else
      assert.equal(
        await as.refused(403, ...change),
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with signerName "example.com/lamps"',
      );
  }
});

test('a verdict is given by approval alone, stays, and is one', async (t) => {
  const { as } = await start(t, ['approve', 'signers'], ['sign', 'signers']);
  await as.ok('POST', url, body());
  const at = (subresource: string, change: object) => ['PATCH', `${url}/r/${subresource}`, change, mergePatch] as const;
  assert.match(
    await as.refused(403, ...at('status', withConditions(condition('Approved')))),
    /approval subresource alone/,
  );
  assert.match(
    await as.refused(
      403,
      ...at('approval', { status: { certificate: pem('CERTIFICATE'), conditions: [condition('Approved')] } }),
    ),
    /only the conditions/,
  );
  await as.refused(422, ...at('approval', withConditions(condition('Approved'), condition('Denied'))));
  await as.ok(...at('approval', withConditions(condition('Approved'))));
  assert.match(await as.refused(403, ...at('approval', withConditions())), /Approved may not be removed/);
  await as.ok(...at('status', { status: { certificate: pem('CERTIFICATE') } }));
  assert.match(await as.refused(403, ...at('status', { status: { certificate: null } })), /may not be changed/);
});

test('only who may sign for that signer sets the certificate', async (t) => {
  const { as } = await start(t);
  await as.ok('POST', url, body());
  const change = { status: { certificate: pem('CERTIFICATE') } };
  assert.match(await as.refused(403, 'PATCH', `${url}/r/status`, change, mergePatch), /not permitted to sign requests/);
});

test('a request that is none is refused by field', async (t) => {
  const { refused } = await startTestServer(t);
  const cases: [object, RegExp][] = [
    [{ request: pem('CERTIFICATE') }, /spec\.request: Invalid value: .*PEM block type must be CERTIFICATE REQUEST/],
    [{ signerName: 'lamps' }, /spec\.signerName: Invalid value: "lamps"/],
    [{ usages: [] }, /spec\.usages: Required value/],
    [{ usages: ['x'] }, /spec\.usages\[0\]: Unsupported value: "x"/],
    [{ expirationSeconds: 599 }, /spec\.expirationSeconds: Invalid value: 599/],
  ];
  for (const [spec, message] of cases) assert.match(await refused(422, 'POST', url, body(spec)), message);
});
