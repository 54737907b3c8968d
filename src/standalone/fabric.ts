import ipaddr from 'ipaddr.js';
import { OperatingError } from '../base/errors.ts';
import { createNetns, type Kernel, NetworkAdmin, netnsPath, setSysctl } from '../kernel/mod.ts';
import { type ClusterLayout, candidateSubnets, clusterDefaults, type HostLayout } from './layout.ts';

/** The first /24 for this name that no address or route of the host's overlaps. */
export function chooseSubnet(name: string, kernel: Kernel): string {
  const network = new NetworkAdmin(kernel);
  try {
    const taken = [
      ...network.listAddresses().map(({ address }) => address),
      ...network.listRoutes().map(({ destination }) => destination),
    ]
      .filter((prefix) => !prefix.includes(':'))
      .map((prefix) => ipaddr.IPv4.parseCIDR(prefix.includes('/') ? prefix : `${prefix}/32`))
      .filter(([, length]) => length > 0);
    for (const subnet of candidateSubnets(name)) {
      if (!taken.some((other) => overlaps(`${subnet}.0`, other))) return subnet;
    }
  } finally {
    network.close();
  }
  throw new OperatingError(
    'Choose addresses for the fabric',
    'taken',
    'every /24 of 172.30.0.0/16 is in use on this host',
  );
}

function overlaps(network: string, [other, length]: [ipaddr.IPv4, number]): boolean {
  const shorter = Math.min(length, clusterDefaults.prefixLength);
  return ipaddr.IPv4.parse(network).match(other, shorter);
}

/** Makes the switch, its link to the host, and the machines of the cluster; see the README's picture. */
export function buildFabric(layout: ClusterLayout, kernel: Kernel): void {
  const { fabric } = layout;
  const fabricNetns = createNetns(fabric.namespace);
  // The bridge is the nodes' default gateway, and a dead end on purpose: nothing of the cluster leaves by it.
  setSysctl(fabricNetns, 'net.ipv4.ip_forward', '0');
  within(kernel, fabricNetns, (network) => {
    network.createBridge(fabric.bridge);
    network.addAddress(fabric.bridge, `${fabric.gateway}/${clusterDefaults.prefixLength}`);
    network.setUp(fabric.bridge);
    network.setUp('lo');
  });
  connectHost(layout, kernel, fabricNetns);
  for (const machine of [layout.control, ...layout.nodes]) addMachine(layout, kernel, machine);
}

/** A namespace on the fabric, with its default route to the bridge. Returns its path. */
export function addMachine(layout: ClusterLayout, kernel: Kernel, machine: HostLayout): string {
  const { fabric } = layout;
  const netns = createNetns(machine.namespace);
  // The end on the bridge bears the machine's last name; a link's name is short.
  const port = `to-${machine.namespace.slice(layout.namespacePrefix.length)}`.slice(0, 15);
  within(kernel, netnsPath(fabric.namespace), (network) => {
    network.createVethPair({ name: port, peerName: 'eth0', peerNetns: netns });
    network.setMaster(port, fabric.bridge);
    network.setUp(port);
  });
  within(kernel, netns, (network) => {
    network.setUp('lo');
    network.addAddress('eth0', `${machine.address}/${clusterDefaults.prefixLength}`);
    network.setUp('eth0');
    network.addRoute({ destination: '0.0.0.0/0', gateway: fabric.gateway });
  });
  return netns;
}

function connectHost(layout: ClusterLayout, kernel: Kernel, fabricNetns: string): void {
  const { fabric, hostLink } = layout;
  const host = new NetworkAdmin(kernel);
  try {
    host.createVethPair({ name: hostLink, peerName: 'to-host', peerNetns: fabricNetns });
    host.addAddress(hostLink, `${fabric.hostAddress}/${clusterDefaults.prefixLength}`);
    host.setUp(hostLink);
  } finally {
    host.close();
  }
  within(kernel, fabricNetns, (network) => {
    network.setMaster('to-host', fabric.bridge);
    network.setUp('to-host');
  });
}

function within(kernel: Kernel, netns: string, action: (network: NetworkAdmin) => void): void {
  const network = new NetworkAdmin(kernel, { netns });
  try {
    action(network);
  } finally {
    network.close();
  }
}
