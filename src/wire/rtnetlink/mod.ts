export {
  decodeAddress,
  encodeAddAddress,
  encodeDeleteAddress,
  encodeDumpAddresses,
  type LinkAddress,
} from './addresses.ts';
export { RouteTable } from './constants.ts';
export { formatIp, networkOf, parseIp } from './ip.ts';
export {
  type BridgePort,
  decodeLink,
  encodeChangeLink,
  encodeCreateLink,
  encodeDeleteLink,
  encodeDumpLinks,
  encodeGetLink,
  type Link,
  type LinkChange,
  type LinkNetns,
  type LinkReference,
  type NewLink,
} from './links.ts';
export {
  decodeRoute,
  encodeAddRoute,
  encodeDeleteRoute,
  encodeDumpRoutes,
  encodeReplaceRoute,
  isIpRoute,
  type NewRoute,
  type Route,
  type RouteType,
  scopeOf,
} from './routes.ts';
