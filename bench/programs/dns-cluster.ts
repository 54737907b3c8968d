/**
 * An API server whose store holds a cluster of the given size, as a process of its own: the project's own, over HTTPS.
 * Prints `ready` when it answers; then reads addresses from its standard input, line by line: each becomes the only endpoint
 * of the Service that moves, and a line with the monotonic clock's reading in nanoseconds before the write is printed.
 * usage: node dns-cluster.ts '{"services":1000,"dir":"/tmp/x","address":"127.0.0.1"}'
 */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createApiServer, ensureKubeconfig, ensurePki, serveHttps } from '../../src/apiserver/mod.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/kube/mod.ts';
import { createMemoryStore, type Store } from '../../src/store/mod.ts';
import { bigService, bigSlices, movingService, movingSlice, namespaces, service, slice } from '../dns/objects.ts';

export interface DnsClusterTask {
  readonly services: number;
  /** For keys and the kubeconfig. */
  readonly dir: string;
  readonly address: string;
}

const { services, dir, address }: DnsClusterTask = JSON.parse(process.argv[2] ?? '');
/** A store keeps each commit in one piece. */
const objectsPerCommit = 1_000;
const clock = systemClock;
const log = silentLogger;
const store = createMemoryStore();
await fill(store);
const pki = await ensurePki({ dir: path.join(dir, 'pki'), addresses: [address], clock });
const api = await createApiServer({ store, clock, log, advertiseAddress: '192.0.2.1', advertisePort: 6443 });
const front = await serveHttps(api, { address, port: 0, pki, clock, log });
await ensureKubeconfig(pki, {
  path: path.join(dir, 'kubeconfig'),
  server: `https://${address}:${front.port}`,
  clusterName: 'bench',
  commonName: 'bench',
  organizations: ['system:masters'],
  clock,
});
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const before = process.hrtime.bigint();
  await put(movingSlice(line));
  console.log(String(before));
}
process.exit(0);

async function fill(into: Store): Promise<void> {
  const objects = [bigService(), movingService(), movingSlice('10.200.0.1'), ...bigSlices(), ...namespaces(services)];
  for (let index = 0; index < services; index++) objects.push(service(index), slice(index));
  for (let first = 0; first < objects.length; first += objectsPerCommit) {
    const some = objects.slice(first, first + objectsPerCommit);
    await into.commit(some.map((object) => ({ type: 'create', key: keyOf(object), value: JSON.stringify(object) })));
  }
}

async function put(object: KubeObject): Promise<void> {
  const { name, namespace } = object.metadata;
  const { status, body } = await api.exchange({
    method: 'PUT',
    url: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } }),
    signal: new AbortController().signal,
  });
  if (status !== 200) throw new Error(`PUT of ${name}: ${status} ${body}`);
}

/** Where the store keeps it (ARCHITECTURE.md of the API server). */
function keyOf({ kind, metadata }: KubeObject): string {
  if (kind === 'Namespace') return `/registry/core/namespaces/${metadata.name}`;
  const kinds = kind === 'Service' ? 'core/services' : 'discovery.k8s.io/endpointslices';
  return `/registry/${kinds}/${metadata.namespace}/${metadata.name}`;
}
