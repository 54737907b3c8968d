import { formatTable } from '../base/table.ts';
import type { Client } from '../client/port.ts';
import { Node, Pod, Service } from '../kube/mod.ts';
import { type ClusterLayout, clusterDefaults } from './layout.ts';
import type { Attempt } from './traffic.ts';

export interface Shown {
  readonly layout: ClusterLayout;
  readonly client: Client;
  /** The Service of the manifest that is shown; undefined when there is none. */
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  /** `192.0.2.1:9376`, ready ones. */
  readonly endpoints: readonly string[];
  /** A few connections through the VIP. */
  readonly answers: readonly Attempt[];
  readonly kubectl: boolean;
}

/** The screen that a start ends on: what there is, that it works, and what to try next. */
export async function renderScreen(shown: Shown): Promise<string> {
  const parts = [await nodeTable(shown)];
  if (shown.service) parts.push(await serviceText(shown, shown.service));
  parts.push(nextSteps(shown));
  return parts.join('\n');
}

async function nodeTable({ client, layout }: Shown): Promise<string> {
  const nodes = await client.list(Node);
  const pods = await client.list(Pod);
  const rows = nodes.items.map((node) => {
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    const count = pods.items.filter((pod) => pod.spec.nodeName === node.metadata.name).length;
    const namespace = layout.nodes.find(({ name }) => name === node.metadata.name)?.namespace ?? '';
    return [node.metadata.name, ready ? 'Ready' : 'NotReady', address, node.spec.podCIDR ?? '', `${count}`, namespace];
  });
  return formatTable(['NODE', 'STATUS', 'ADDRESS', 'POD CIDR', 'PODS', 'NETWORK NAMESPACE'], rows);
}

async function serviceText(
  { client, endpoints, answers }: Shown,
  { namespace, name }: { namespace: string; name: string },
): Promise<string> {
  const service = await client.get(Service, name, { namespace });
  const ports = (service.spec.ports ?? []).map(({ port, protocol }) => `${port}/${protocol}`).join(', ');
  const lines = [
    `Service     ${namespace}/${name}`,
    `VIP         ${service.spec.clusterIP ?? 'none'}, port ${ports}`,
    `Endpoints   ${endpoints.join(', ') || 'none'}`,
    `DNS name    ${name}.${namespace}.svc.${clusterDefaults.domain} (in a Pod of ${namespace}: ${name})`,
    ...answers.map(
      ({ answer, error }, index) => `${index === 0 ? 'Answers   ' : '          '}  ${answer ?? `error: ${error}`}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function nextSteps({ layout, service, kubectl }: Shown): string {
  const node = layout.nodes[0]?.namespace ?? '';
  const name = service?.name ?? 'hostnames';
  return [
    'Try next, in another terminal:',
    ...(kubectl ? [] : ['  apt-get install kubernetes-client     # brings kubectl, which is not on this machine']),
    `  export KUBECONFIG=${layout.adminKubeconfig}`,
    '  kubectl get nodes,pods,services -A -o wide',
    `  kubectl get endpoints ${name} -w &  kubectl scale deployment ${name} --replicas=5`,
    `  nsenter --net=/run/netns/${node} curl -s http://$(kubectl get service ${name} -o jsonpath={.spec.clusterIP})`,
    `  ls ${layout.logDir}`,
    '',
  ].join('\n');
}
