import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import type { Event, KubeObject } from '../kube/mod.ts';
import { ApiError } from './errors.ts';
import type { Client } from './port.ts';
import { createRecorder } from './recorder.ts';

const about: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '7', creationTimestamp: '' },
};

/** `patch` and `create` write here; each can be made to fail. */
function setUp() {
  const calls: string[] = [];
  const failures: { create?: Error; patch?: Error } = {};
  const created: Event[] = [];
  const client = {
    async create(_resource: unknown, object: Event) {
      calls.push('create');
      if (failures.create) throw failures.create;
      created.push(object);
    },
    async patch(_resource: unknown, name: string, { body }: { body: { count: number } }) {
      calls.push(`patch ${name === created.at(-1)?.metadata.name} ${body.count}`);
      if (failures.patch) throw failures.patch;
    },
  } as unknown as Client;
  const clock = new ManualClock();
  const recorder = createRecorder({ client, component: 'test', host: 'node1', clock, log: silentLogger });
  return { calls, created, failures, recorder };
}

test('the same event again raises the count; another message is another event', async () => {
  const { calls, created, recorder } = setUp();
  for (const message of ['a', 'a', 'a', 'b']) recorder.record(about, 'Warning', 'Unhealthy', message);
  await recorder.flush();
  assert.deepEqual(calls, ['create', 'patch true 2', 'patch true 3', 'create']);
  const [event, other] = created as [Event, Event];
  assert.deepEqual(event.involvedObject, {
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    resourceVersion: '7',
  });
  assert.deepEqual(
    [event.metadata.namespace, event.count, event.source],
    ['shop', 1, { component: 'test', host: 'node1' }],
  );
  assert.match(event.metadata.name, /^web\.[0-9a-f]+$/);
  assert.notEqual(event.metadata.name, other.metadata.name);
});

test('an event that is gone is written anew, and a failure is nobody else’s business', async () => {
  const { calls, failures, recorder } = setUp();
  recorder.record(about, 'Normal', 'Started', 'a');
  await recorder.flush();
  failures.patch = new ApiError('Patch events', 404, { reason: 'NotFound' });
  recorder.record(about, 'Normal', 'Started', 'a');
  await recorder.flush();
  assert.deepEqual(calls.splice(0), ['create', 'patch true 2', 'create']);
  failures.create = new ApiError('Create events', 403, { reason: 'Forbidden' });
  recorder.record(about, 'Normal', 'Stopped', 'b');
  recorder.record(about, 'Normal', 'Stopped', 'c');
  await recorder.flush();
  assert.deepEqual(calls, ['create', 'create']);
});
