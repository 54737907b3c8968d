import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { podBody, serviceBody, startTestServer, type TestServer } from '../test-server.ts';

const applyPatch = { 'content-type': 'application/apply-patch+yaml' };
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const services = '/api/v1/namespaces/default/services';

const deployment = (spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    ...spec,
  },
});
const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec });

const apply = (server: TestServer, url: string, manager: string, config: unknown, more = '') =>
  server.call('PATCH', `${url}?fieldManager=${manager}${more}`, config, applyPatch);

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly time: string;
  readonly fieldsV1: Record<string, unknown>;
}
const managersOf = (object: { metadata: { managedFields?: Entry[] } }) =>
  (object.metadata.managedFields ?? []).map(
    ({ manager, operation, subresource }) => `${manager} ${operation}${subresource ? ` ${subresource}` : ''}`,
  );
const fieldsOf = (object: { metadata: { managedFields: Entry[] } }, manager: string) =>
  object.metadata.managedFields.find((entry) => entry.manager === manager)?.fieldsV1;

describe('server-side apply', () => {
  test('creates (201), changes (200), and leaves alone what has not changed', async (context) => {
    const server = await startTestServer(context);
    const created = await apply(server, `${deployments}/web`, 'me', deployment({ replicas: 2 }));
    assert.equal(created.status, 201);
    assert.deepEqual(managersOf(created.body), ['me Apply']);
    assert.equal(created.body.spec.progressDeadlineSeconds, 600);
    server.clock.jump(60_000);
    const same = await apply(server, `${deployments}/web`, 'me', deployment({ replicas: 2 }));
    assert.equal(same.status, 200);
    assert.deepEqual(same.body, created.body);
    const changed = await apply(server, `${deployments}/web`, 'me', deployment({ replicas: 3 }));
    assert.equal(changed.body.spec.replicas, 3);
    assert.equal(changed.body.metadata.generation, 2);
    assert.notEqual(changed.body.metadata.managedFields[0].time, created.body.metadata.managedFields[0].time);
  });

  test('YAML is as good as JSON', async (context) => {
    const server = await startTestServer(context);
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  key: value\n';
    const { status, body } = await apply(server, '/api/v1/namespaces/default/configmaps/a', 'me', yaml);
    assert.equal(status, 201);
    assert.deepEqual(body.data, { key: 'value' });
    const twice = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  key: a\n  key: b\n';
    const strict = await apply(
      server,
      '/api/v1/namespaces/default/configmaps/a',
      'me',
      twice,
      '&fieldValidation=Strict',
    );
    assert.equal(strict.status, 400);
    assert.match(strict.body.message, /^error strict decoding YAML: /);
    const warned = await apply(server, '/api/v1/namespaces/default/configmaps/a', 'me', twice);
    assert.match(warned.headers.warning!, /^299 - "/);
    assert.equal((await apply(server, '/api/v1/namespaces/default/configmaps/a', 'me', 'a: [')).status, 400);
  });

  test('a field that somebody else owns is a conflict with his name; force takes it', async (context) => {
    const server = await startTestServer(context);
    await apply(server, `${deployments}/web`, 'one', deployment({ replicas: 2 }));
    const patch = { 'content-type': 'application/merge-patch+json' };
    const url = `${deployments}/web?fieldManager=scaler`;
    await server.ok('PATCH', url, { spec: { replicas: 5 } }, patch);
    const conflict = await apply(server, `${deployments}/web`, 'one', deployment({ replicas: 2 }));
    assert.equal(conflict.status, 409);
    assert.equal(conflict.body.reason, 'Conflict');
    const message = 'conflict with "scaler" using apps/v1';
    assert.equal(conflict.body.message, `Apply failed with 1 conflict: ${message}: .spec.replicas`);
    assert.deepEqual(conflict.body.details.causes, [
      { reason: 'FieldManagerConflict', message, field: '.spec.replicas' },
    ]);
    const forced = await apply(server, `${deployments}/web`, 'one', deployment({ replicas: 2 }), '&force=true');
    assert.equal(forced.status, 200);
    assert.deepEqual(managersOf(forced.body), ['one Apply']);
    // Who says the same shares it, without conflict.
    const shared = await apply(server, `${deployments}/web`, 'two', deployment({ replicas: 2 }));
    assert.deepEqual(managersOf(shared.body).sort(), ['one Apply', 'two Apply']);
  });

  test('what is no longer applied goes when nobody else owns it; defaults come back', async (context) => {
    const server = await startTestServer(context);
    const ports = [
      { port: 80, name: 'http' },
      { port: 443, name: 'https' },
    ];
    await apply(
      server,
      `${services}/web`,
      'one',
      service({ ports, selector: { app: 'web' }, sessionAffinity: 'ClientIP' }),
    );
    await apply(server, `${services}/web`, 'two', service({ ports: [{ port: 443, name: 'https' }] }));
    const { body } = await apply(server, `${services}/web`, 'one', service({ ports: [{ port: 81, name: 'new' }] }));
    assert.deepEqual(
      body.spec.ports.map(({ port }: { port: number }) => port),
      [443, 81],
    );
    assert.equal(body.spec.selector, undefined);
    assert.equal(body.spec.sessionAffinity, 'None');
    assert.match(body.spec.clusterIP, /^10\.96\./);
  });

  test('updates keep the account too: create, replace, patch, scale and status, each by its door', async (context) => {
    const server = await startTestServer(context);
    const agent = { 'user-agent': 'tool/v1.2 (linux)' };
    const created = await server.ok('POST', deployments, deployment(), agent);
    assert.deepEqual(managersOf(created), ['tool Update']);
    const scale = { spec: { replicas: 4 } };
    await server.ok('PUT', `${deployments}/web/scale?fieldManager=scaler`, scale);
    const status = { ...(await server.ok('GET', `${deployments}/web`)), status: { replicas: 1 } };
    const written = await server.ok('PUT', `${deployments}/web/status?fieldManager=controller`, status);
    assert.deepEqual(managersOf(written).sort(), ['controller Update status', 'scaler Update scale', 'tool Update']);
    assert.deepEqual(fieldsOf(written, 'scaler'), { 'f:spec': { 'f:replicas': {} } });
    assert.deepEqual(fieldsOf(written, 'controller'), { 'f:status': { 'f:replicas': {} } });
    assert(!('f:replicas' in (fieldsOf(written, 'tool')!['f:spec'] as object)), 'the creator has lost the count');
  });

  test('a status that is applied to the object itself is not owned, nor a spec applied to its status', async (context) => {
    const server = await startTestServer(context);
    const config = { ...deployment(), status: { replicas: 3 } };
    const { body } = await apply(server, `${deployments}/web`, 'me', config);
    assert.equal(body.status.replicas, undefined);
    assert(!('f:status' in fieldsOf(body, 'me')!));
    const applied = await apply(server, `${deployments}/web/status`, 'ctl', {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
      spec: { replicas: 9 },
      status: { replicas: 3 },
    });
    assert.equal(applied.body.spec.replicas, 1);
    assert.equal(applied.body.status.replicas, 3);
    assert.deepEqual(fieldsOf(applied.body, 'ctl'), { 'f:status': { 'f:replicas': {} } });
    assert.deepEqual(managersOf(applied.body), ['ctl Apply status', 'me Apply']);
    const missing = await apply(server, `${deployments}/other/status`, 'ctl', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
    });
    assert.equal(missing.status, 404);
  });

  test('a Scale can be applied', async (context) => {
    const server = await startTestServer(context);
    await apply(server, `${deployments}/web`, 'me', deployment({ replicas: 2 }));
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 3 } };
    assert.equal((await apply(server, `${deployments}/web/scale`, 'auto', scale)).status, 409);
    const forced = await apply(server, `${deployments}/web/scale`, 'auto', scale, '&force=true');
    assert.equal(forced.body.spec.replicas, 3);
    const { metadata } = await server.ok('GET', `${deployments}/web`);
    assert.deepEqual(managersOf({ metadata }), ['auto Apply scale', 'me Apply']);
  });

  test('a dry run says what would be, and writes nothing', async (context) => {
    const server = await startTestServer(context);
    const dry = await apply(server, `${deployments}/web`, 'me', deployment(), '&dryRun=All');
    assert.equal(dry.status, 201);
    await server.refused(404, 'GET', `${deployments}/web`);
    await apply(server, `${deployments}/web`, 'me', deployment());
    const changed = await apply(server, `${deployments}/web`, 'me', deployment({ replicas: 7 }), '&dryRun=All');
    assert.equal(changed.body.spec.replicas, 7);
    assert.equal((await server.ok('GET', `${deployments}/web`)).spec.replicas, 1);
  });

  test('kubectl’s older apply is taken over without a conflict, as far as nobody has changed it since', async (context) => {
    const server = await startTestServer(context);
    const last = deployment({ replicas: 2 });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) };
    const url = `${deployments}?fieldManager=kubectl-client-side-apply`;
    await server.ok('POST', url, deployment({ replicas: 2 }, { annotations }));
    const other = await apply(server, `${deployments}/web`, 'other', deployment({ replicas: 3 }));
    assert.equal(other.status, 409);
    const taken = await apply(server, `${deployments}/web`, 'kubectl', deployment({ replicas: 3 }));
    assert.equal(taken.status, 200, JSON.stringify(taken.body));
    const text = taken.body.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'];
    assert.equal(JSON.parse(text).spec.replicas, 3);
    const patch = { 'content-type': 'application/merge-patch+json' };
    await server.ok('PATCH', `${deployments}/web?fieldManager=scaler`, { spec: { replicas: 9 } }, patch);
    assert.equal((await apply(server, `${deployments}/web`, 'kubectl', deployment({ replicas: 3 }))).status, 409);
  });

  test('an object from before anybody kept account is accounted for at its first apply', async (context) => {
    const server = await startTestServer(context);
    await server.ok('POST', services, { ...serviceBody('web'), metadata: { name: 'web' } });
    const put = await server.ok('GET', `${services}/web`);
    const reset = await server.ok('PUT', `${services}/web`, {
      ...put,
      metadata: { ...put.metadata, managedFields: [] },
    });
    assert.equal(reset.metadata.managedFields, undefined);
    const conflict = await apply(server, `${services}/web`, 'me', service({ type: 'NodePort', ports: [{ port: 80 }] }));
    assert.equal(conflict.status, 409);
    assert.match(conflict.body.message, /"before-first-apply" using v1: \.spec\.type$/);
  });

  test('managedFields that a writer sends count, unless they make no sense', async (context) => {
    const server = await startTestServer(context);
    const { body } = await apply(server, `${services}/web`, 'me', service({ ports: [{ port: 80 }] }));
    const renamed = body.metadata.managedFields.map((entry: Entry) => ({ ...entry, manager: 'you' }));
    const put = (managedFields: unknown) =>
      server.ok('PUT', `${services}/web`, {
        ...body,
        metadata: { ...body.metadata, resourceVersion: '', managedFields },
      });
    assert.deepEqual(managersOf(await put(renamed)), ['you Apply']);
    assert.deepEqual(managersOf(await put([{ manager: 'x', operation: 'Nonsense' }])), ['you Apply']);
    assert.deepEqual(managersOf(await put(null)), ['you Apply']);
  });

  test('what cannot be applied is told', async (context) => {
    const server = await startTestServer(context);
    const url = `${services}/web`;
    const refused = async (code: number, config: unknown, query: string, message: RegExp) => {
      const answer = await server.refused(code, 'PATCH', `${url}${query}`, config, applyPatch);
      assert.match(answer, message);
    };
    const good = service({ ports: [{ port: 80 }] });
    await refused(422, good, '', /^PatchOptions\.meta\.k8s\.io "" is invalid: fieldManager: Required value/);
    await refused(422, good, `?fieldManager=${'x'.repeat(129)}`, /fieldManager: Too long/);
    await refused(422, good, '?fieldManager=%00', /fieldManager: Invalid value: .* printable/);
    await refused(
      400,
      service({ port: 80 }),
      '?fieldManager=me',
      /^failed to create typed patch object \(default\/web; v1, Kind=Service\): \.spec\.port: field not declared in schema$/,
    );
    await refused(400, { ...good, apiVersion: 'v2' }, '?fieldManager=me', /Specified patch version: v2, expected: v1/);
    await refused(400, { ...good, kind: 'Pod' }, '?fieldManager=me', /does not match/);
    await refused(400, { spec: {} }, '?fieldManager=me', /apiVersion and kind must be set/);
    await refused(400, { ...good, metadata: { managedFields: [] } }, '?fieldManager=me', /managedFields must be nil/);
    await refused(
      400,
      { ...good, metadata: { name: 'other' } },
      '?fieldManager=me',
      /does not match the name on the URL/,
    );
    await refused(409, { ...good, metadata: { uid: 'u' } }, '?fieldManager=me', /uid mismatch/);
    await refused(422, service({ type: 'Wrong' }), '?fieldManager=me', /spec\.type: Unsupported value/);
    const merge = { 'content-type': 'application/merge-patch+json' };
    const forced = await server.refused(422, 'PATCH', `${url}?force=true`, {}, merge);
    assert.match(forced, /force: Forbidden: may not be specified for non-apply patch/);
  });

  test('a Pod’s containers merge by name, its other fields stay as immutable as they are', async (context) => {
    const server = await startTestServer(context);
    const pods = '/api/v1/namespaces/default/pods';
    await server.ok('POST', pods, podBody('p'));
    const config = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image: 'new' }] } };
    const { body } = await apply(server, `${pods}/p`, 'me', config, '&force=true');
    assert.equal(body.spec.containers[0].image, 'new');
    const more = { ...config, spec: { containers: [{ name: 'd', image: 'x' }] } };
    assert.equal((await apply(server, `${pods}/p`, 'me', more, '&force=true')).status, 422);
  });
});
