import { createHash } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../base/errors.ts';

/** Everything that a standalone cluster puts on this machine, by name: pure, so that whoever cleans up finds it again. */
export interface ClusterLayout {
  readonly name: string;
  /** Holds the store, certificates, logs and Pod state; also the mark by which the cluster's processes are known. */
  readonly stateDir: string;
  readonly adminKubeconfig: string;
  /** Those of all service proxies, and of all DNS servers. */
  readonly proxyKubeconfig: string;
  readonly dnsKubeconfig: string;
  readonly logDir: string;
  /** The only thing in the host's own namespace: a veth end with the fabric's address for the host. */
  readonly hostLink: string;
  readonly fabric: FabricLayout;
  readonly control: HostLayout;
  readonly nodes: readonly NodeLayout[];
  /** Every network namespace of the cluster begins so. */
  readonly namespacePrefix: string;
}

/** The switch between the nodes: a namespace with a bridge, and the address plan. */
export interface FabricLayout {
  readonly namespace: string;
  readonly bridge: string;
  /** The first three bytes of the /24: `172.30.7`. */
  readonly subnet: string;
  /** The bridge's own; the nodes' default gateway, which forwards nothing. */
  readonly gateway: string;
  readonly hostAddress: string;
}

/** A namespace that plays a machine on the fabric. */
export interface HostLayout {
  readonly namespace: string;
  readonly address: string;
}

export interface NodeLayout extends HostLayout {
  readonly name: string;
  readonly podCidr: string;
  readonly stateDir: string;
  readonly kubeconfig: string;
}

export const clusterDefaults = {
  serviceCidr: '10.96.0.0/16',
  clusterCidr: '10.244.0.0/16',
  dnsAddress: '10.96.0.10',
  domain: 'cluster.local',
  apiPort: 6443,
  prefixLength: 24,
} as const;

/** The last byte of the host's own address on the fabric. */
export const hostNumber = 254;

/** A link's name holds 15 bytes (IFNAMSIZ less the NUL), `sb-` included. */
const longestName = 12;

export function checkClusterName(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > longestName) {
    throw new UsageError(
      `Invalid --name ${JSON.stringify(name)}`,
      `it must be 1 to ${longestName} lower-case letters, digits and inner hyphens, since links and namespaces bear it`,
    );
  }
  return name;
}

/**
 * @param subnet the first three bytes of the fabric's /24
 * @param nodeCount 1 to 200
 */
export function layoutOf(name: string, stateRoot: string, subnet: string, nodeCount: number): ClusterLayout {
  const stateDir = path.join(stateRoot, name);
  // A name holds no dot, so the prefix of one cluster is never the beginning of another's.
  const prefix = `sb-${name}.`;
  return {
    name,
    stateDir,
    adminKubeconfig: path.join(stateDir, 'admin.kubeconfig'),
    proxyKubeconfig: path.join(stateDir, 'proxy.kubeconfig'),
    dnsKubeconfig: path.join(stateDir, 'dns.kubeconfig'),
    logDir: path.join(stateDir, 'logs'),
    hostLink: `sb-${name}`,
    namespacePrefix: prefix,
    fabric: {
      namespace: `${prefix}fabric`,
      bridge: 'fabric',
      subnet,
      gateway: `${subnet}.1`,
      hostAddress: `${subnet}.${hostNumber}`,
    },
    control: { namespace: `${prefix}control`, address: `${subnet}.2` },
    nodes: Array.from({ length: nodeCount }, (_, index) => nodeLayout(prefix, stateDir, subnet, index + 1)),
  };
}

function nodeLayout(prefix: string, stateDir: string, subnet: string, number: number): NodeLayout {
  const name = `node${number}`;
  return {
    name,
    namespace: `${prefix}${name}`,
    address: `${subnet}.${10 + number}`,
    podCidr: `10.244.${number}.0/24`,
    stateDir: path.join(stateDir, name),
    kubeconfig: path.join(stateDir, `${name}.kubeconfig`),
  };
}

/**
 * The /24s that a cluster of this name may use, best first: all of 172.30.0.0/16, from a place and in steps that depend
 * on the name, so that a name mostly keeps its addresses, and two names part ways at the latest at the second try.
 */
export function* candidateSubnets(name: string): Generator<string> {
  const [first = 0, half = 0] = createHash('sha256').update(name).digest();
  // An odd step comes by every number.
  const step = 2 * half + 1;
  for (let tries = 0; tries < 256; tries++) yield `172.30.${(first + tries * step) % 256}`;
}
