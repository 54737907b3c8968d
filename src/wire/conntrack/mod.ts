export { Family, FlowStatus, IpProtocol } from './constants.ts';
export { decodeFlowCount, encodeCountFlows, isFlowCount } from './count.ts';
export { encodeDeleteFlows, encodeDumpFlows, type FlowFilter, matchesFilter } from './filter.ts';
export { decodeFlow, encodeAddFlow, encodeDeleteFlow, encodeGetFlow, type Flow } from './flow.ts';
export type { FlowTuple } from './tuple.ts';
