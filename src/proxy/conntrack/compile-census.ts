import { type Flow, type FlowFilter, FlowStatus } from '../../wire/conntrack/mod.ts';
import { type Family, type Frontend, frontendText, type PortPlan, servingEndpoints } from '../plan/mod.ts';
import { answererOf, everyFlow, flowsTo, forKernel } from './compile-filters.ts';

/** What to list, and which of it to delete, when all flows of all UDP ports of a family are looked through. */
export interface Census {
  readonly kernelFilters: readonly FlowFilter[];
  readonly isStale: (flow: Flow) => boolean;
}

/** So few frontends are listed one by one, so that strangers' flows are not read. */
const frontendsLimit = 8;

/** Of all flows to these ports' frontends, those to a port's serving endpoints stay. */
export function compileCensus(family: Family, ports: readonly PortPlan[]): Census {
  const serving = new Map<string, ReadonlySet<string>>();
  const frontends: Frontend[] = [];
  for (const port of ports) {
    const endpoints = new Set(servingEndpoints(port).keys());
    for (const frontend of port.frontends) {
      serving.set(frontendText(frontend, 'UDP'), endpoints);
      frontends.push(frontend);
    }
  }
  const isFew = frontends.length <= frontendsLimit;
  return {
    kernelFilters: isFew ? frontends.map((one) => forKernel(flowsTo(family, one))) : [everyFlow(family, 'UDP')],
    isStale: (flow) => isStale(flow, serving),
  };
}

function isStale(flow: Flow, serving: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const { destination: address, destinationPort: port = 0 } = flow.original;
  const atAddress = serving.get(frontendText({ address, port }, 'UDP'));
  if (atAddress) return !isServed(flow, atAddress);
  const atNodePort = serving.get(frontendText({ port }, 'UDP'));
  // Only what we have translated was sent to this node's port for sure, and not to another host's.
  return atNodePort !== undefined && (flow.status & FlowStatus.destinationNat) !== 0 && !isServed(flow, atNodePort);
}

/** With no endpoint, a flow that nobody has translated is where it belongs. */
const isServed = (flow: Flow, endpoints: ReadonlySet<string>): boolean =>
  endpoints.size === 0 ? (flow.status & FlowStatus.destinationNat) === 0 : endpoints.has(answererOf(flow));
