import { type Flow, type FlowFilter, FlowStatus } from '../../wire/conntrack/mod.ts';
import { type Family, frontendText, type PortPlan, type Protocol, servingEndpoints } from '../plan/mod.ts';
import { answererOf, everyFlow, flowsTo, forKernel } from './compile-filters.ts';

/** What to list, and which of it to delete, when all flows of all UDP ports of a family are looked through. */
export interface Census {
  readonly kernelFilters: readonly FlowFilter[];
  readonly isStale: (flow: Flow) => boolean;
}

/** Each family tells of all its own ports, and of no other's. */
export function withPortsOf(known: readonly PortPlan[], ports: readonly PortPlan[]): PortPlan[] {
  const families = new Set(ports.map(({ family }) => family));
  return [...known.filter(({ family }) => !families.has(family)), ...ports];
}

/** Of flows of that protocol: those to these ports' frontends that no serving endpoint has. */
export function unservedFlows(ports: readonly PortPlan[], protocol: Protocol): Census['isStale'] {
  const serving = new Map<string, ReadonlySet<string>>();
  for (const port of ports) {
    const endpoints = new Set(servingEndpoints(port).keys());
    for (const frontend of port.frontends) serving.set(frontendText(frontend, protocol), endpoints);
  }
  return (flow) => isStale(flow, serving, protocol);
}

/** So few frontends are listed one by one, so that strangers' flows are not read. */
const frontendsLimit = 8;

/** Of all flows to these ports' frontends, those to a port's serving endpoints stay. */
export function compileCensus(family: Family, ports: readonly PortPlan[]): Census {
  const frontends = ports.flatMap((port) => port.frontends);
  const isFew = frontends.length <= frontendsLimit;
  return {
    kernelFilters: isFew ? frontends.map((one) => forKernel(flowsTo(family, one))) : [everyFlow(family, 'UDP')],
    isStale: unservedFlows(ports, 'UDP'),
  };
}

function isStale(flow: Flow, serving: ReadonlyMap<string, ReadonlySet<string>>, protocol: Protocol): boolean {
  const { destination: address, destinationPort: port = 0 } = flow.original;
  const atAddress = serving.get(frontendText({ address, port }, protocol));
  if (atAddress) return !isServed(flow, atAddress);
  const atNodePort = serving.get(frontendText({ port }, protocol));
  // Only what we have translated was sent to this node's port for sure, and not to another host's.
  return atNodePort !== undefined && (flow.status & FlowStatus.destinationNat) !== 0 && !isServed(flow, atNodePort);
}

/** With no endpoint, a flow that nobody has translated is where it belongs. */
const isServed = (flow: Flow, endpoints: ReadonlySet<string>): boolean =>
  endpoints.size === 0 ? (flow.status & FlowStatus.destinationNat) === 0 : endpoints.has(answererOf(flow));
