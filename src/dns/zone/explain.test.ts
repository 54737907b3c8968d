import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Namespace, Pod, Service } from '../../kube/mod.ts';
import { keyOf } from '../../wire/dns/mod.ts';
import { clusterYaml, parseObjects } from '../testing/fixture.ts';
import { ClusterZone, type PodRecords } from './cluster-zone.ts';

function zoneWith(podRecords: PodRecords): ClusterZone {
  const zone = new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords,
    reverseCidrs: [],
    nameServerService: 'kube-system/kube-dns',
    nowSeconds: () => 1,
  });
  for (const after of parseObjects(clusterYaml)) {
    const { namespace, name } = after.metadata;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    if (after.kind === 'Service') zone.applyService({ key, after: after as Service });
    else if (after.kind === 'EndpointSlice') zone.applySlice({ key, after: after as EndpointSlice });
    else if (after.kind === 'Namespace') zone.applyNamespace({ key, after: after as Namespace });
    else zone.applyPod({ key, after: after as Pod });
  }
  return zone;
}

test('a missing name or record has a reason in words', () => {
  const table: [string, string, PodRecords?][] = [
    ['web.cluster.local', 'Names of the cluster end in svc or pod before its domain'],
    ['svc.cluster.local', 'No record of this type at svc'],
    ['web.nowhere.svc.cluster.local', 'No namespace nowhere'],
    ['default.svc.cluster.local', 'No record of this type at namespace default'],
    ['gone.default.svc.cluster.local', 'No Service gone in namespace default'],
    ['starting.default.svc.cluster.local', 'Service default/starting exists, 0 of 1 endpoints are ready'],
    ['address.default.svc.cluster.local', 'Service default/address exists, without a cluster IP or an external name'],
    ['web.default.svc.cluster.local', 'Service default/web exists, without a record of this type'],
    ['_x._tcp.web.default.svc.cluster.local', 'Service default/web exists, no port _x._tcp with a record of this type'],
    [
      'db-9.db.default.svc.cluster.local',
      'Service default/db exists, none of its 3 ready endpoints is named db-9 with a record of this type',
    ],
    ['1-2-3-4.default.pod.cluster.local', 'Pod records are disabled', 'disabled'],
    [
      '1-2-3-4.default.pod.cluster.local',
      'No Pod of namespace default has the address 1-2-3-4, or no record of this type',
      'verified',
    ],
    ['x.default.pod.cluster.local', 'x is not an address with dashes, or has no record of this type'],
    ['9.9.96.10.in-addr.arpa', 'No Service and no endpoint has this address'],
  ];
  for (const [name, reason, mode = 'insecure'] of table) assert.equal(zoneWith(mode).explain(keyOf(name)), reason);
});
