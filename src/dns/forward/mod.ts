export { ForwardError } from './errors.ts';
export { Forwarder } from './forwarder.ts';
export { withoutOurselves } from './own-addresses.ts';
export { ResolvConf } from './resolv-conf.ts';
export { parseUpstream, type SocketAddress, socketAddressText } from './upstreams.ts';
