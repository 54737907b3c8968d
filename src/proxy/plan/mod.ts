export { canonicalAddress, isInRange, parseRange } from './addresses.ts';
export { Collector } from './collect.ts';
export type { Problem } from './firewall.ts';
export { Ledger, mergePairs, type PortPair } from './ledger.ts';
export {
  type Endpoint,
  type EndpointGroup,
  endpointText,
  type Family,
  type Firewall,
  type FoundGroup,
  type FoundGroups,
  type FoundPort,
  type Frontend,
  frontendText,
  type LeftOut,
  type NodeFacts,
  type PortName,
  type PortPlan,
  type Protocol,
  portNameText,
  type Route,
  routeOf,
  type TrafficPolicy,
} from './model.ts';
export { dependsOnNode, planService, type ServiceDraft, serviceNameLabel } from './plan-service.ts';
export { type StaleFlow, servingEndpoints, staleFlows } from './stale-flows.ts';
