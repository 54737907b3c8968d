import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/port.ts';
import { Deployment, EndpointSlice, Node, Pod, Service } from '../kube/mod.ts';
import type { Manifest } from './apply.ts';
import type { ClusterLayout } from './layout.ts';
import { dnsLabels, proxyLabels } from './system.ts';
import { until } from './wait.ts';

const timeoutMs = 60_000;

interface Watching {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Every node can be given Pods. */
export async function nodesAreReady({ client, clock, signal }: Watching, layout: ClusterLayout): Promise<void> {
  await until(
    clock,
    `${layout.nodes.length} nodes are Ready`,
    async () => {
      const nodes = await client.list(Node);
      const ready = nodes.items.filter((node) => isTrue(node.status?.conditions, 'Ready'));
      return ready.length === layout.nodes.length;
    },
    { timeoutMs, signal },
  );
}

/** Every node's service proxy and DNS server are ready. */
export async function systemIsReady({ client, clock, signal }: Watching, layout: ClusterLayout): Promise<void> {
  for (const labels of [proxyLabels, dnsLabels]) {
    const labelSelector = `k8s-app=${labels['k8s-app']}`;
    await until(
      clock,
      `the Pods with ${labelSelector} are ready`,
      async () => {
        const pods = await client.list(Pod, { namespace: 'kube-system', labelSelector });
        return pods.items.filter((pod) => isTrue(pod.status?.conditions, 'Ready')).length === layout.nodes.length;
      },
      { timeoutMs, signal },
    );
  }
}

/** Every replica of the manifest's Deployments is ready. */
export async function deploymentsAreReady(
  { client, clock, signal }: Watching,
  manifests: readonly Manifest[],
): Promise<void> {
  for (const { resource, object } of manifests) {
    if (resource.kind !== Deployment.kind) continue;
    const { name = '', namespace = 'default' } = object.metadata;
    await until(
      clock,
      `every replica of Deployment ${name} is ready`,
      async () => {
        const { spec, status } = await client.get(Deployment, name, { namespace });
        return (status?.readyReplicas ?? 0) === spec.replicas;
      },
      { timeoutMs, signal },
    );
  }
}

/** The manifest's first Service that has a VIP or will get one. */
export function firstService(manifests: readonly Manifest[]): { namespace: string; name: string } | undefined {
  const found = manifests.find(({ resource }) => resource.kind === Service.kind);
  return found && { name: found.object.metadata.name ?? '', namespace: found.object.metadata.namespace ?? 'default' };
}

/** `address:port` of each ready endpoint. */
export async function readyEndpointsOf(
  client: Client,
  service: { namespace: string; name: string },
): Promise<string[]> {
  const slices = await client.list(EndpointSlice, {
    namespace: service.namespace,
    labelSelector: `kubernetes.io/service-name=${service.name}`,
  });
  return slices.items
    .flatMap(({ endpoints, ports }) =>
      endpoints
        .filter(({ conditions }) => conditions?.ready !== false)
        .flatMap(({ addresses }) => (ports ?? []).map(({ port }) => `${addresses[0]}:${port}`)),
    )
    .sort();
}

const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
