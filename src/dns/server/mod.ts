export { ProbeServer } from './probe-server.ts';
export { Responder, type ResponderOptions } from './responder.ts';
export { type TcpLimits, TcpListener } from './tcp-listener.ts';
export { type MessageStream, type TransferOptions, Transfers } from './transfer.ts';
export { UdpListener } from './udp-listener.ts';
