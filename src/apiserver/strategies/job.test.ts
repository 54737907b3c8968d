import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../test-server.ts';

const jobs = '/apis/batch/v1/namespaces/default/jobs';
const job = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }, ...spec },
});

test('a Job is given a selector by its uid, and its Pods’ template the labels', async (t) => {
  const { ok, refused } = await startTestServer(t);
  const { metadata, spec, status } = await ok('POST', jobs, job('once'));
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } });
  assert.deepEqual(spec.template.metadata.labels, {
    'batch.kubernetes.io/controller-uid': metadata.uid,
    'controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': 'once',
    'job-name': 'once',
  });
  assert.deepEqual(status, {});
  const foreign = { selector: { matchLabels: { a: 'b' } } };
  assert.match(
    await refused(422, 'POST', jobs, job('other', foreign)),
    /spec\.selector: Invalid value: .* not auto-generated$/,
  );
  const labels = { a: 'b' };
  const template = { ...job('x').spec.template, metadata: { labels } };
  const own = await ok('POST', jobs, job('own', { ...foreign, manualSelector: true, template }));
  assert.deepEqual(own.spec.template.metadata.labels, labels);
});

test('the system’s priorities are there from the beginning', async (t) => {
  const { ok } = await startTestServer(t);
  const { items } = await ok('GET', '/apis/scheduling.k8s.io/v1/priorityclasses');
  assert.deepEqual(
    items.map((item: { metadata: { name: string }; value: number }) => [item.metadata.name, item.value]),
    [
      ['system-cluster-critical', 2_000_000_000],
      ['system-node-critical', 2_000_001_000],
    ],
  );
});
