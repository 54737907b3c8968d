export { listenOnBoth } from './listen-on-both.ts';
export { ProbeServer } from './probe-server.ts';
export {
  type Observer,
  type Respond,
  Responder,
  type Route,
  type Service,
} from './responder.ts';
export { type TcpLimits, TcpListener } from './tcp-listener.ts';
export { type MessageStream, parseReceiver, type TransferOptions, Transfers } from './transfer.ts';
export { UdpListener } from './udp-listener.ts';
