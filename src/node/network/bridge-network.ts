import { createHash } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { isKernelError, type Kernel, NetworkAdmin, setSysctl } from '../../kernel/mod.ts';
import { readIfPresent, writeAtomic } from '../files.ts';
import {
  type Cidr,
  emptyPool,
  gatewayOf,
  type PoolState,
  parseCidr,
  releaseAddress,
  reserveAddress,
} from './address-pool.ts';
import type { PodNetwork } from './port.ts';
import type { WriteSysctl } from './sysctl.ts';

export interface BridgeNetworkOptions {
  readonly kernel: Kernel;
  readonly writeSysctl: WriteSysctl;
  /** Remembers whose address is which in `addresses.json`. */
  readonly stateDir: string;
  /** `10.244.1.0/24` */
  readonly podCidr: string;
  /** Default `cbr0`. */
  readonly bridge?: string;
  /** Of every Pod's link; default the kernel's 1500. */
  readonly mtu?: number;
}

/**
 * Pods on a bridge of the node's, each with a veth pair and a /32. A Pod reaches everything, its neighbours included,
 * by way of the node's address on the bridge, so the node's connection tracking sees both directions of every
 * connection.
 */
export class BridgeNetwork implements PodNetwork {
  readonly #options: BridgeNetworkOptions;
  readonly #bridge: string;
  readonly #cidr: Cidr;
  readonly #gateway: string;
  readonly #file: string;
  readonly #node: NetworkAdmin;
  #pool: PoolState;

  constructor(options: BridgeNetworkOptions) {
    const cidr = parseCidr(options.podCidr);
    if (!cidr || cidr.prefixLength > 30) {
      const state = `${JSON.stringify(options.podCidr)} is not an IPv4 range of at least a /30, such as 10.244.1.0/24`;
      throw new UsageError('Set up the Pod network', `podCidr ${state}`);
    }
    this.#options = options;
    this.#bridge = options.bridge ?? 'cbr0';
    this.#cidr = cidr;
    this.#gateway = gatewayOf(cidr);
    this.#file = addressFile(options.stateDir);
    this.#pool = JSON.parse(readIfPresent(this.#file) ?? 'null') ?? emptyPool;
    this.#node = new NetworkAdmin(options.kernel);
  }

  /** Makes the bridge and forwarding what they have to be; what is right already is left alone. */
  setUp(): void {
    const { writeSysctl } = this.#options;
    writeSysctl('net.ipv4.ip_forward', '1');
    // Pods share the bridge's subnet but not its wire: nothing is to tell them that there is a shorter way.
    for (const scope of ['all', 'default']) writeSysctl(`net.ipv4.conf.${scope}.send_redirects`, '0');
    // An address of its own, else the bridge takes its lowest port's and changes it as Pods come and go.
    this.#node.ensureBridge(this.#bridge, { address: hardwareAddress(this.#gateway) });
    writeSysctl(`net.ipv4.conf.${this.#bridge}.send_redirects`, '0');
    this.#node.ensureAddress(this.#bridge, `${this.#gateway}/${this.#cidr.prefixLength}`);
    this.#node.setUp(this.#bridge);
  }

  reserve(podUid: string): string {
    const { address, state } = reserveAddress(this.#cidr, this.#pool, podUid);
    if (state !== this.#pool) this.#keep(state);
    return address;
  }

  attach(podUid: string, netns: string): void {
    const address = this.reserve(podUid);
    const link = linkName(podUid);
    const { kernel, mtu } = this.#options;
    // Left from a sandbox of this Pod that is no more.
    this.#node.ensureNoLink(link);
    this.#node.createVethPair({
      name: link,
      peerName: podLink,
      peerNetns: netns,
      ...(mtu === undefined ? {} : { mtu }),
    });
    this.#join(link);
    const pod = new NetworkAdmin(kernel, { netns });
    try {
      this.#configure(pod, netns, address);
    } finally {
      pod.close();
    }
  }

  /** Puts the Pod's link back on the bridge, if that had to be made anew; the Pod notices nothing otherwise. */
  rejoin(podUid: string): void {
    const link = linkName(podUid);
    if (this.#node.findLink(link)) this.#join(link);
  }

  detach(podUid: string): void {
    this.#node.ensureNoLink(linkName(podUid));
    if (Object.hasOwn(this.#pool.byPod, podUid)) this.#keep(releaseAddress(this.#pool, podUid));
  }

  /** Gives back the addresses of Pods that are not among these. */
  retain(podUids: ReadonlySet<string>): void {
    for (const podUid of Object.keys(this.#pool.byPod)) if (!podUids.has(podUid)) this.detach(podUid);
  }

  close(): void {
    this.#node.close();
  }

  #join(link: string): void {
    this.#node.setMaster(link, this.#bridge);
    // Where the host sends bridged frames through netfilter (bridge-nf-call-iptables, which Docker sets), the kernel
    // answers a VIP's translation to a Pod of this bridge by bridging the frame on, back to its own port if need be.
    this.#node.setBridgePort(link, { hairpin: true });
    this.#node.setUp(link);
  }

  #configure(pod: NetworkAdmin, netns: string, address: string): void {
    pod.setUp('lo');
    skipAddressDetection(netns);
    pod.setLinkAddress(podLink, hardwareAddress(address));
    pod.ensureAddress(podLink, `${address}/32`);
    pod.setUp(podLink);
    pod.ensureRoute({ destination: `${this.#gateway}/32`, device: podLink });
    pod.ensureRoute({ destination: '0.0.0.0/0', gateway: this.#gateway, device: podLink });
  }

  #keep(state: PoolState): void {
    this.#pool = state;
    writeAtomic(this.#file, JSON.stringify(state));
  }
}

/** The hairpin brings a Pod's own probe for its IPv6 address back to it, which looks as if somebody had that address. */
function skipAddressDetection(netns: string): void {
  try {
    setSysctl(netns, `net.ipv6.conf.${podLink}.accept_dad`, '0');
  } catch (error) {
    // A kernel without IPv6.
    if (!isKernelError(error, 'ENOENT')) throw error;
  }
}

const podLink = 'eth0';

export const addressFile = (stateDir: string): string => path.join(stateDir, 'addresses.json');

/** Of the node's end; 15 bytes at most. */
const linkName = (podUid: string): string => `veth${createHash('sha256').update(podUid).digest('hex').slice(0, 8)}`;

/** As the CNI plugins derive it: a peer's ARP entry stays true when the address is given to a later Pod. */
function hardwareAddress(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return `0a:58:${bytes.join(':')}`;
}
