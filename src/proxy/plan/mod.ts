export { Ledger, mergePairs, type PortPair } from './ledger.ts';
export {
  type Endpoint,
  endpointText,
  type FoundGroup,
  type FoundGroups,
  type Frontend,
  frontendText,
  type LeftOut,
  type NodeFacts,
  type PortPlan,
  type Protocol,
  portNameText,
} from './model.ts';
export { isForUs, planService, serviceNameLabel } from './plan-service.ts';
