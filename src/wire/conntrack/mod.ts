export { Family, FlowStatus, IpProtocol } from './constants.ts';
export { encodeDeleteFlows, encodeDumpFlows, type FlowFilter, matchesFilter } from './filter.ts';
export { decodeFlow, encodeAddFlow, encodeDeleteFlow, encodeGetFlow, type Flow } from './flow.ts';
export type { FlowTuple } from './tuple.ts';
