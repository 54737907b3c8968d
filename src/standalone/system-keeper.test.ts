import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import type { Change, Client } from '../client/mod.ts';
import type { Pod } from '../kube/mod.ts';
import { layoutOf } from './layout.ts';
import { systemManifests } from './system.ts';
import { keepSystemPods } from './system-keeper.ts';

test('a deleted system Pod is made anew, again until it is there; other Pods are not', async () => {
  const clock = new ManualClock();
  const created: unknown[] = [];
  const answers = [() => Promise.reject(new Error('the server is away')), () => Promise.resolve({})];
  const client = {
    create(_resource: unknown, object: { metadata: { name?: string } }) {
      created.push(object.metadata.name);
      return answers.shift()?.();
    },
  } as unknown as Pick<Client, 'create'>;
  let notify: (change: Change<Pod>) => void = () => {};
  const pods = {
    onChange(handler: (change: Change<Pod>) => void) {
      notify = handler;
    },
  };
  const manifests = systemManifests(layoutOf('t', '/state', '172.30.1', 1));
  const { signal } = new AbortController();
  keepSystemPods({ client, pods, manifests, clock, log: silentLogger, signal });
  const pod = { metadata: { name: 'any' } } as Pod;
  notify({ key: 'kube-system/kube-dns-node1', after: pod });
  notify({ key: 'default/kube-dns-node1', before: pod });
  notify({ key: 'kube-system/kube-dns-node1', before: pod });
  await clock.advance(1000);
  await clock.advance(1000);
  assert.deepEqual(created, ['kube-dns-node1', 'kube-dns-node1']);
});
