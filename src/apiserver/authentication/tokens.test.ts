import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import type { User } from '../../base/exchange.ts';
import { formatTime } from '../../kube/mod.ts';
import { podBody, startTestServer, type TestServer } from '../test-server.ts';

const inDefault = '/api/v1/namespaces/default';
const tokenUrl = `${inDefault}/serviceaccounts/bot/token`;
const reviews = '/apis/authentication.k8s.io/v1/tokenreviews';
const now = { gracePeriodSeconds: 0 };

async function start(t: TestContext): Promise<TestServer> {
  const server = await startTestServer(t);
  await server.ok('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'bot' } });
  return server;
}

async function ask(server: TestServer, spec: object = {}): Promise<string> {
  const { status } = await server.ok('POST', tokenUrl, { spec });
  return status.token;
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

describe('tokens of ServiceAccounts', () => {
  test('stand for the account, for an hour', async (t) => {
    const server = await start(t);
    const { metadata } = await server.ok('GET', `${inDefault}/serviceaccounts/bot`);
    const { status, spec } = await server.ok('POST', tokenUrl, { spec: {} });
    const seconds = Math.floor(server.clock.now() / 1000);
    assert.equal(status.expirationTimestamp, formatTime(1000 * (seconds + 3600)));
    assert.deepEqual(spec, { audiences: ['https://kubernetes.default.svc.cluster.local'], expirationSeconds: 3600 });
    const { jti, ...claims } = claimsOf(status.token);
    assert.deepEqual(claims, {
      aud: spec.audiences,
      ...{ exp: seconds + 3600, iat: seconds, nbf: seconds },
      iss: 'https://kubernetes.default.svc.cluster.local',
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'bot', uid: metadata.uid } },
      sub: 'system:serviceaccount:default:bot',
    });
    const user = server.server.authenticate(status.token);
    assert.deepEqual(user, {
      name: 'system:serviceaccount:default:bot',
      uid: metadata.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] },
    } satisfies User);
    await server.clock.advance(3_599_000);
    assert.ok(server.server.authenticate(status.token));
    await server.clock.advance(1_000);
    assert.equal(server.server.authenticate(status.token), undefined);
  });

  test('end with the account, and one of the same name is another', async (t) => {
    const server = await start(t);
    const token = await ask(server);
    await server.ok('DELETE', `${inDefault}/serviceaccounts/bot`);
    assert.equal(server.server.authenticate(token), undefined);
    await server.ok('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'bot' } });
    assert.equal(server.server.authenticate(token), undefined);
  });

  test('are no good elsewhere than for their audience', async (t) => {
    const server = await start(t);
    const token = await ask(server, { audiences: ['vault'] });
    assert.equal(server.server.authenticate(token), undefined);
    const review = async (audiences?: string[]) => {
      const { status } = await server.ok('POST', reviews, { spec: { token, audiences } });
      return status;
    };
    assert.deepEqual(await review(), { authenticated: false, user: {}, error: 'invalid bearer token' });
    const { authenticated, audiences, user } = await review(['vault', 'other']);
    assert.deepEqual([authenticated, audiences, user.username], [true, ['vault'], 'system:serviceaccount:default:bot']);
  });

  test('are bound to a Pod, a Secret or a Node, and end with it', async (t) => {
    const server = await start(t);
    await server.ok('POST', '/api/v1/nodes', { metadata: { name: 'one' } });
    const spec = { serviceAccountName: 'bot', nodeName: 'one' };
    const pod = await server.ok('POST', `${inDefault}/pods`, podBody('p', spec));
    await server.ok('POST', `${inDefault}/secrets`, { metadata: { name: 's' } });
    const bind = (kind: string, name: string, more: object = {}) =>
      ask(server, { boundObjectRef: { apiVersion: 'v1', kind, name, ...more } });
    const ofPod = await bind('Pod', 'p', { uid: pod.metadata.uid });
    const tokens = [ofPod, await bind('Secret', 's'), await bind('Node', 'one')];
    assert.deepEqual(claimsOf(ofPod)['kubernetes.io'].pod, { name: 'p', uid: pod.metadata.uid });
    const { extra } = server.server.authenticate(ofPod)!;
    assert.deepEqual(extra?.['authentication.kubernetes.io/node-name'], ['one']);
    assert.deepEqual(extra?.['authentication.kubernetes.io/pod-name'], ['p']);
    const ends = [`${inDefault}/pods/p`, `${inDefault}/secrets/s`, '/api/v1/nodes/one'];
    for (const [index, url] of ends.entries()) {
      assert.ok(server.server.authenticate(tokens[index]!), url);
      await server.ok('DELETE', url, now);
      assert.equal(server.server.authenticate(tokens[index]!), undefined, url);
    }
  });

  test('of a Pod on its way out are good for its goodbye', async (t) => {
    const server = await start(t);
    await server.ok('POST', `${inDefault}/pods`, podBody('p', { serviceAccountName: 'bot', nodeName: 'one' }));
    const token = await ask(server, { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } });
    await server.ok('DELETE', `${inDefault}/pods/p`, { gracePeriodSeconds: 30 });
    await server.clock.advance(89_000);
    assert.ok(server.server.authenticate(token));
    await server.clock.advance(2_000);
    assert.equal(server.server.authenticate(token), undefined);
  });

  test('are refused to requests that make no sense', async (t) => {
    const server = await start(t);
    const refused = (code: number, spec: object) => server.refused(code, 'POST', tokenUrl, { spec });
    assert.match(await refused(422, { expirationSeconds: 599 }), /may not specify a duration less than 10 minutes/);
    assert.match(await refused(422, { expirationSeconds: 2 ** 33 }), /larger than 2\^32 seconds/);
    const bind = (kind: string, name: string, uid?: string) => ({
      boundObjectRef: { apiVersion: 'v1', kind, name, uid },
    });
    assert.match(await refused(400, bind('Service', 'x')), /cannot bind token to object of type v1, Kind=Service/);
    assert.equal(await refused(404, bind('Pod', 'x')), 'pods "x" not found');
    await server.ok('POST', `${inDefault}/pods`, podBody('p'));
    assert.match(await refused(400, bind('Pod', 'p')), /pod running with different serviceaccount name/);
    await server.ok('POST', `${inDefault}/secrets`, { metadata: { name: 's' } });
    assert.match(await refused(409, bind('Secret', 's', 'x')), /does not match the UID in record/);
    await server.refused(404, 'POST', `${inDefault}/serviceaccounts/none/token`, { spec: {} });
    await server.refused(405, 'GET', tokenUrl);
    const { status } = await server.ok('POST', `${tokenUrl}?dryRun=All`, { spec: {} });
    assert.deepEqual(status, {});
  });

  test('for an agent go with a Pod of its own', async (t) => {
    const server = await start(t);
    const one = { name: 'system:node:one', groups: ['system:nodes', 'system:authenticated'] };
    for (const name of ['one', 'two'])
      await server.ok('POST', `${inDefault}/pods`, podBody(name, { serviceAccountName: 'bot', nodeName: name }));
    const pod = async (name: string) => {
      const { metadata } = await server.ok('GET', `${inDefault}/pods/${name}`);
      return { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: metadata.uid } } };
    };
    const as = server.as(one);
    await as.ok('POST', tokenUrl, await pod('one'));
    assert.match(await as.refused(403, 'POST', tokenUrl, await pod('two')), /scheduled on a different node$/);
    assert.match(await as.refused(403, 'POST', tokenUrl, { spec: {} }), /not bound to a pod$/);
    const { spec } = await pod('one');
    const without = { spec: { boundObjectRef: { ...spec.boundObjectRef, uid: undefined } } };
    assert.match(await as.refused(403, 'POST', tokenUrl, without), /without specifying the uid$/);
    await server.ok('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'other' } });
    await as.refused(403, 'POST', `${inDefault}/serviceaccounts/other/token`, { spec: {} });
  });

  test('can be checked by anybody who knows where the issuer is', async (t) => {
    const server = await start(t);
    const token = await ask(server);
    const bot = server.as(server.server.authenticate(token)!);
    const { issuer, jwks_uri: where, ...rest } = await bot.ok('GET', '/.well-known/openid-configuration');
    assert.equal(issuer, claimsOf(token).iss);
    assert.deepEqual(rest.id_token_signing_alg_values_supported, ['ES256']);
    const { headers, body } = await bot.call('GET', new URL(where).pathname);
    assert.equal(headers['content-type'], 'application/jwk-set+json');
    const [jwk] = JSON.parse(body).keys;
    const [head, payload, signature] = token.split('.');
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    assert.ok(verify('sha256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature!, 'base64url')));
    await server.as({ name: 'jane', groups: ['system:authenticated'] }).refused(403, 'GET', '/openid/v1/jwks');
  });
});

describe('bootstrap tokens', () => {
  const secrets = '/api/v1/namespaces/kube-system/secrets';
  const token = 'abcdef.0123456789abcdef';
  const body = (data: object = {}, type = 'bootstrap.kubernetes.io/token') => ({
    metadata: { name: 'bootstrap-token-abcdef' },
    type,
    stringData: {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      ...data,
    },
  });

  test('stand for a machine that wants to join, and for nothing else', async (t) => {
    const server = await startTestServer(t);
    assert.equal(server.server.authenticate(token), undefined);
    const groups = { 'auth-extra-groups': 'system:bootstrappers:x,system:masters,system:bootstrappers:' };
    await server.ok('POST', secrets, body(groups));
    const user = server.server.authenticate(token)!;
    assert.deepEqual(user, {
      name: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:bootstrappers:x', 'system:authenticated'],
    });
    await server.as(user).refused(403, 'GET', '/api/v1/nodes');
    await server.as(user).refused(403, 'GET', secrets);
    const others = ['abcdef.0123456789abcdeg', 'abcdef.', 'abcdeg.0123456789abcdef', `${token} `, token.toUpperCase()];
    for (const other of others) assert.equal(server.server.authenticate(other), undefined, other);
    await server.ok('DELETE', `${secrets}/bootstrap-token-abcdef`);
    assert.equal(server.server.authenticate(token), undefined);
  });

  test('are over at their time, and are none without their use or with another type', async (t) => {
    const server = await startTestServer(t);
    const known = async (data: object, type?: string) => {
      await server.ok('POST', secrets, body(data, type));
      const isKnown = server.server.authenticate(token) !== undefined;
      await server.ok('DELETE', `${secrets}/bootstrap-token-abcdef`);
      return isKnown;
    };
    const at = (ms: number) => ({ expiration: formatTime(server.clock.now() + ms) });
    assert.ok(await known(at(60_000)));
    assert.ok(!(await known(at(-1_000))));
    assert.ok(!(await known({ expiration: 'soon' })));
    assert.ok(!(await known({ 'usage-bootstrap-authentication': 'false' })));
    assert.ok(!(await known({ 'token-id': 'abcdeg' })));
    assert.ok(!(await known({}, 'Opaque')));
  });
});
