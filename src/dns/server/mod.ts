export { ProbeServer } from './probe-server.ts';
export { Responder } from './responder.ts';
export { type TcpLimits, TcpListener } from './tcp-listener.ts';
export { UdpListener } from './udp-listener.ts';
