import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterRole } from '../../kube/mod.ts';
import { startCluster } from '../testing/hostnames.ts';

const rule = (...resources: string[]) => ({ verbs: ['get'], apiGroups: ['example.com'], resources });

test('view, edit and admin hold what is aggregated to them, each by way of the next, and what others label so', async (t) => {
  const cluster = await startCluster(t);
  const has = async (role: string, resource: string) => {
    const { rules = [] } = await cluster.client.get(ClusterRole, role);
    return rules.some(({ resources }) => resources?.includes(resource));
  };
  await cluster.until('admin holds what view holds', () => has('admin', 'endpointslices'));
  assert.deepEqual([await has('edit', 'secrets'), await has('view', 'secrets')], [true, false]);
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  await cluster.client.create(ClusterRole, { metadata: { name: 'lamps', labels }, rules: [rule('lamps')] });
  await cluster.until('all three hold the new rule', async () =>
    (await Promise.all(['view', 'edit', 'admin'].map((role) => has(role, 'lamps')))).every(Boolean),
  );
  await cluster.client.delete(ClusterRole, 'lamps');
  await cluster.until('none holds it any more', async () => !(await has('admin', 'lamps')));
  await cluster.quiet();
  assert.deepEqual(await cluster.quiet(), []);
});
