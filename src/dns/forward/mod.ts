export { ForwardError } from './errors.ts';
export type { Forwarder } from './forwarder.ts';
export { Forwarding, type ForwardingDependencies } from './forwarding.ts';
export { parseHostTarget } from './host-targets.ts';
export { type ForwardingOptions, forwardingDefaults } from './options.ts';
export { namesFile, parseUpstream, type SocketAddress, socketAddressText, type UpstreamTarget } from './upstreams.ts';
