import ipaddr from 'ipaddr.js';
import { OperatingError } from '../base/errors.ts';
import { createNetns, type Kernel, NetworkAdmin, netnsPath, setSysctl } from '../kernel/mod.ts';
import { type ClusterLayout, candidateSubnets, clusterDefaults, type HostLayout, hostNumber } from './layout.ts';

/** The fabric's end of the host's link. */
const fabricPort = 'to-host';

/**
 * Makes the fabric's namespace and the host's link to it, with the first /24 for this name that nothing on the host
 * overlaps. The link's address is the reservation: of two clusters that take the same /24 at the same time each sees
 * the other's when it looks again, and whoever sees another moves on. Returns the subnet's first three bytes.
 */
export function reserveSubnet(name: string, hostLink: string, fabricNamespace: string, kernel: Kernel): string {
  const fabricNetns = createNetns(fabricNamespace);
  const host = new NetworkAdmin(kernel);
  try {
    host.createVethPair({ name: hostLink, peerName: fabricPort, peerNetns: fabricNetns });
    for (const subnet of candidateSubnets(name)) {
      if (isTaken(host, hostLink, subnet)) continue;
      const address = `${subnet}.${hostNumber}/${clusterDefaults.prefixLength}`;
      host.addAddress(hostLink, address);
      if (!isTaken(host, hostLink, subnet)) return subnet;
      host.deleteAddress(hostLink, address);
    }
  } finally {
    host.close();
  }
  throw new OperatingError(
    'Choose addresses for the fabric',
    'taken',
    'every /24 of 172.30.0.0/16 is in use on this host',
  );
}

/** Whether an address or a route that is not this link's own overlaps the /24. */
function isTaken(host: NetworkAdmin, ownLink: string, subnet: string): boolean {
  const addresses = host.listAddresses().filter(({ device }) => device !== ownLink);
  const routes = host.listRoutes().filter(({ device }) => device !== ownLink);
  return [...addresses.map(({ address }) => address), ...routes.map(({ destination }) => destination)]
    .filter((prefix) => !prefix.includes(':'))
    .map((prefix) => ipaddr.IPv4.parseCIDR(prefix.includes('/') ? prefix : `${prefix}/32`))
    .some(([other, length]) => length > 0 && overlaps(`${subnet}.0`, [other, length]));
}

function overlaps(network: string, [other, length]: [ipaddr.IPv4, number]): boolean {
  const shorter = Math.min(length, clusterDefaults.prefixLength);
  return ipaddr.IPv4.parse(network).match(other, shorter);
}

/** Makes the switch, plugs the host's link into it, and makes the cluster's machines; see the README's picture. */
export function buildFabric(layout: ClusterLayout, kernel: Kernel): void {
  const { fabric } = layout;
  const fabricNetns = netnsPath(fabric.namespace);
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
  // A Pod that asks the API server does so with its own address: the answer has to find the way back.
  within(kernel, netnsPath(layout.control.namespace), (network) => {
    for (const { podCidr, address } of layout.nodes) network.addRoute({ destination: podCidr, gateway: address });
  });
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

function connectHost({ fabric, hostLink }: ClusterLayout, kernel: Kernel, fabricNetns: string): void {
  within(kernel, fabricNetns, (network) => {
    network.setMaster(fabricPort, fabric.bridge);
    network.setUp(fabricPort);
  });
  const host = new NetworkAdmin(kernel);
  try {
    host.setUp(hostLink);
  } finally {
    host.close();
  }
}

function within(kernel: Kernel, netns: string, action: (network: NetworkAdmin) => void): void {
  const network = new NetworkAdmin(kernel, { netns });
  try {
    action(network);
  } finally {
    network.close();
  }
}
