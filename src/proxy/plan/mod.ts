export { Ledger, mergePairs, type PortPair } from './ledger.ts';
export {
  type Endpoint,
  endpointText,
  type FoundGroup,
  type FoundGroups,
  type Frontend,
  frontendText,
  type NodeFacts,
  type PortPlan,
  type Protocol,
  portNameText,
} from './model.ts';
export { planService, serviceNameLabel } from './plan-service.ts';
