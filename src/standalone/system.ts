import { Pod, Service } from '../kube/mod.ts';
import type { Manifest } from './apply.ts';
import { type ClusterLayout, clusterDefaults, type NodeLayout } from './layout.ts';

/** What the cluster itself runs in kube-system: a service proxy and a DNS server on every node, and the DNS Service. */
export function systemManifests(layout: ClusterLayout): Manifest[] {
  return [dnsService(), ...layout.nodes.flatMap((node) => [proxyPod(layout, node), dnsPod(layout, node)])];
}

export const proxyLabels = { 'k8s-app': 'signalbox-proxy' } as const;
export const dnsLabels = { 'k8s-app': 'kube-dns' } as const;

function dnsService(): Manifest {
  return {
    resource: Service,
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels: dnsLabels },
      spec: {
        clusterIP: clusterDefaults.dnsAddress,
        selector: dnsLabels,
        ports: [
          { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
          { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: 53 },
        ],
      },
    } as Manifest['object'],
  };
}

const proxyPod = (layout: ClusterLayout, node: NodeLayout): Manifest =>
  systemPod(node, 'signalbox-proxy', proxyLabels, {
    image: 'signalbox/proxy',
    args: [
      `--kubeconfig=${layout.proxyKubeconfig}`,
      `--hostname-override=${node.name}`,
      `--cluster-cidr=${clusterDefaults.clusterCidr}`,
    ],
  });

const dnsPod = (layout: ClusterLayout, node: NodeLayout): Manifest =>
  systemPod(node, 'kube-dns', dnsLabels, {
    image: 'signalbox/dns',
    args: [
      `--kubeconfig=${layout.dnsKubeconfig}`,
      `--listen=${node.address}:53`,
      `--cluster-domain=${clusterDefaults.domain}`,
      `--reverse-cidr=${clusterDefaults.serviceCidr}`,
      `--reverse-cidr=${clusterDefaults.clusterCidr}`,
      `--upstream=${layout.fabric.hostAddress}:53`,
      `--ready-address=${node.address}:8181`,
      // Until every node's proxy knows that it goes.
      '--lame-duck=3s',
      // Beside a successor that somebody tries out on the node.
      '--take-over',
    ],
    ports: [
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
    ],
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
  });

/** A bare Pod bound to its node: what a DaemonSet would make. */
function systemPod(node: NodeLayout, name: string, labels: Record<string, string>, container: object): Manifest {
  return {
    resource: Pod,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-${node.name}`, namespace: 'kube-system', labels },
      spec: {
        nodeName: node.name,
        hostNetwork: true,
        dnsPolicy: 'Default',
        // They have kubeconfigs of their own.
        automountServiceAccountToken: false,
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name, ...container }],
      },
    } as Manifest['object'],
  };
}
