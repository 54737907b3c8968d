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
export { planService, type ServiceDraft, serviceNameLabel } from './plan-service.ts';
export { type StaleFlow, servingEndpoints, staleFlows } from './stale-flows.ts';
