import { type FieldError, failure, invalid, Service, type ServicePort } from '../../kube/mod.ts';
import type { Operation } from '../../store/port.ts';
import type { Claim } from '../registry/strategy.ts';
import { refuse } from '../status-error.ts';
import { type AddressRange, canonicalAddress, familyOf, type IpFamily, type PortRange } from './address-range.ts';
import { type AddressPool, addressBand, addressObject, type Pool, type PortPool, pickFree, portBand } from './pool.ts';
import {
  type Holdings,
  hasClusterIp,
  hasHealthCheckPort,
  hasNodePorts,
  holdingsOf,
  portName,
  wantsNodePorts,
} from './service-needs.ts';

export interface ServiceAllocation {
  /** One a family, by the server's flags; the first is for Services that ask for none. */
  readonly ranges: readonly AddressRange[];
  /** Those of ServiceCIDR objects, which come and go. */
  readonly furtherRanges: () => readonly AddressRange[];
  readonly ports: PortRange;
  readonly addressPool: AddressPool;
  readonly portPool: PortPool;
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Fills in the addresses and node ports that `after` lacks and returns what the commit must take and give back. What
 * the writer has chosen is checked; what is chosen here stays reserved until `release`.
 */
export function claimForService(
  allocation: ServiceAllocation,
  after: Service | undefined,
  before: Service | undefined,
): Claim {
  const held = holdingsOf(before?.spec);
  if (after) checkGiven(allocation, after, held);
  const picked = { addresses: new Set<string>(), ports: new Set<string>() };
  const release = () => {
    for (const name of picked.addresses) allocation.addressPool.release(name);
    for (const name of picked.ports) allocation.portPool.release(name);
  };
  try {
    if (after) pickMissing(allocation, after, picked);
  } catch (error) {
    // One range is full: what was reserved in the other is free again.
    release();
    throw error;
  }
  const wanted = holdingsOf(after?.spec);
  return {
    operations: [
      ...exchange(allocation.addressPool, held.addresses, wanted.addresses, (address) =>
        addressObject(address, after!, allocation.now()),
      ),
      ...exchange(allocation.portPool, held.ports, wanted.ports, () => ownerText(after!)),
    ],
    checkLost: (key) => checkLost(allocation, after!, picked, key),
    release,
  };
}

export const ownerText = ({ metadata: { namespace, name, uid } }: Service) =>
  JSON.stringify({ kind: 'Service', namespace, name, uid });

function exchange(
  pool: Pool,
  held: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
  valueFor: (name: string) => string,
): Operation[] {
  const operations: Operation[] = [];
  for (const name of wanted)
    if (!held.has(name)) operations.push({ type: 'create', key: pool.prefix + name, value: valueFor(name) });
  for (const name of held) {
    const entry = wanted.has(name) ? undefined : pool.entry(name);
    if (entry) operations.push({ type: 'delete', key: entry.key, expected: entry.modRevision });
  }
  return operations;
}

interface Picked {
  readonly addresses: Set<string>;
  readonly ports: Set<string>;
}

/** Writes what it picks into the spec, reserves it, and notes it in `picked` at once. */
function pickMissing(allocation: ServiceAllocation, { spec }: Service, { addresses, ports }: Picked): void {
  if (hasClusterIp(spec)) {
    spec.clusterIPs = spec.ipFamilies!.map((family, index) => {
      const given = spec.clusterIPs?.[index];
      if (given) return given;
      const address = pickAddress(allocation, family);
      addresses.add(address);
      return address;
    });
    spec.clusterIP = spec.clusterIPs[0]!;
  }
  for (const port of wantsNodePorts(spec) ? (spec.ports ?? []) : []) {
    if (port.nodePort) continue;
    port.nodePort = siblingPort(allocation, spec.ports!, port) ?? pickPort(allocation, port.protocol);
    reservePort(allocation, ports, port.protocol, port.nodePort);
  }
  if (hasHealthCheckPort(spec) && !spec.healthCheckNodePort) {
    spec.healthCheckNodePort = pickPort(allocation, 'TCP');
    reservePort(allocation, ports, 'TCP', spec.healthCheckNodePort);
  }
}

function pickAddress(allocation: ServiceAllocation, family: IpFamily): string {
  const { addressPool, random } = allocation;
  for (const { size, at } of rangesOf(allocation, family)) {
    const address = pickFree(size, addressBand, at, (candidate) => addressPool.isFree(candidate), random);
    if (address === undefined) continue;
    addressPool.reserve(address);
    return address;
  }
  return refuse(full('failed to allocate a serviceIP: range is full'));
}

const rangesOf = ({ ranges, furtherRanges }: ServiceAllocation, family: IpFamily): AddressRange[] =>
  [...ranges, ...furtherRanges()].filter((range) => range.family === family);

function pickPort({ ports, portPool, random }: ServiceAllocation, protocol: string): number {
  const port = pickFree(
    ports.last - ports.first + 1,
    portBand,
    (index) => ports.first + index,
    (candidate) => portPool.isFree(portName(protocol, candidate)),
    random,
  );
  return port ?? refuse(full('failed to allocate a nodePort: range is full'));
}

/** TCP and UDP of one Service port (DNS has both) share a number when they can, as upstream has it. */
function siblingPort({ portPool }: ServiceAllocation, ports: readonly ServicePort[], port: ServicePort) {
  const sibling = ports.find((other) => other !== port && other.port === port.port && other.nodePort);
  return sibling && portPool.isFree(portName(port.protocol, sibling.nodePort!)) ? sibling.nodePort : undefined;
}

function reservePort({ portPool }: ServiceAllocation, picked: Set<string>, protocol: string, port: number): void {
  const name = portName(protocol, port);
  portPool.reserve(name);
  picked.add(name);
}

const full = (why: string) =>
  failure('InternalError', `Internal error occurred: ${why}`, { causes: [{ reason: 'InternalError', message: why }] });

function checkGiven(allocation: ServiceAllocation, service: Service, held: Holdings): void {
  const errors = [...addressErrors(allocation, service, held), ...portErrors(allocation, service, held)];
  if (errors.length > 0) refuse(invalid(Service, service.metadata.name, errors));
}

function addressErrors(allocation: ServiceAllocation, { spec }: Service, held: Holdings): FieldError[] {
  if (!hasClusterIp(spec)) return [];
  return (spec.clusterIPs ?? []).flatMap((given) => {
    const address = canonicalAddress(given) ?? given;
    if (held.addresses.has(address)) return [];
    const ranges = rangesOf(allocation, familyOf(address));
    if (!ranges.some((range) => range.contains(address))) {
      const valid = `The range of valid IPs is ${ranges.map(({ cidr }) => cidr).join(', ')}`;
      return [addressError(spec, given, `the provided IP (${given}) is not in the valid range. ${valid}`)];
    }
    return allocation.addressPool.entry(address) ? [addressError(spec, given, alreadyAllocated('IP'))] : [];
  });
}

function portErrors({ ports, portPool }: ServiceAllocation, { spec }: Service, held: Holdings): FieldError[] {
  if (!hasNodePorts(spec)) return [];
  return givenPorts(spec).flatMap(({ path, protocol, port }) => {
    const name = portName(protocol, port);
    if (held.ports.has(name)) return [];
    if (port < ports.first || port > ports.last) {
      const range = `${ports.first}-${ports.last}`;
      const why = `provided port is not in the valid range. The range of valid ports is ${range}`;
      return [portError(path, port, why)];
    }
    return portPool.entry(name) ? [portError(path, port, alreadyAllocated('port'))] : [];
  });
}

const givenPorts = (spec: Service['spec']) => [
  ...(spec.ports ?? []).flatMap((port, index) =>
    port.nodePort ? [{ path: `spec.ports[${index}].nodePort`, protocol: port.protocol, port: port.nodePort }] : [],
  ),
  ...(spec.healthCheckNodePort
    ? [{ path: 'spec.healthCheckNodePort', protocol: 'TCP', port: spec.healthCheckNodePort }]
    : []),
];

/** Another server took a key between our look and our commit: its writer's own choice is refused, ours is made anew. */
function checkLost({ addressPool, portPool }: ServiceAllocation, service: Service, picked: Holdings, key: string) {
  if (key.startsWith(addressPool.prefix)) {
    const address = key.slice(addressPool.prefix.length);
    if (!picked.addresses.has(address))
      refuse(invalid(Service, service.metadata.name, [addressError(service.spec, address, alreadyAllocated('IP'))]));
  }
  if (key.startsWith(portPool.prefix)) {
    const name = key.slice(portPool.prefix.length);
    const given = givenPorts(service.spec).find(({ protocol, port }) => portName(protocol, port) === name);
    if (given && !picked.ports.has(name))
      refuse(invalid(Service, service.metadata.name, [portError(given.path, given.port, alreadyAllocated('port'))]));
  }
}

const alreadyAllocated = (what: 'IP' | 'port') => `provided ${what} is already allocated`;

const addressError = ({ clusterIPs }: Service['spec'], address: string, why: string): FieldError => ({
  path: 'spec.clusterIPs',
  type: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(clusterIPs)}: failed to allocate IP ${address}: ${why}`,
});

const portError = (path: string, port: number, why: string): FieldError => ({
  path,
  type: 'FieldValueInvalid',
  message: `Invalid value: ${port}: ${why}`,
});
