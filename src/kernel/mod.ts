export { type Capability, checkNftables, checkPrivileges } from './capabilities.ts';
export { type DatagramAddress, DatagramSocket, openDatagrams } from './datagrams.ts';
export { isKernelError } from './errors.ts';
export { createFakeKernel, type FakeKernel, type FakeReply } from './fake.ts';
export { createFaultyKernel, createFaultyTools, type Fault, type KernelCall, type ToolFault } from './faulty.ts';
export { letGoOfFilePages } from './file-pages.ts';
export { raiseFileLimit } from './limits.ts';
export { type ListenAddress, openListener } from './listen-address.ts';
export { MemoryFile } from './memory-file.ts';
export { withNetns } from './namespace-switch.ts';
export {
  createNetns,
  deleteNetns,
  listNetns,
  netnsPath,
  setSysctl,
} from './namespaces.ts';
export { type ListedAddress, NetworkAdmin, type VethPair } from './network.ts';
export { ping } from './ping.ts';
export type { Kernel, NetlinkProtocol, NetlinkSocket, NetlinkWatch } from './port.ts';
export { isRunning, processEnvironment, processStartTime } from './processes.ts';
export { createKernel } from './real.ts';
export type { ListedRoute, RouteSpec } from './route-spec.ts';
export {
  createStreamSystem,
  listenStream,
  openPipe,
  type PipeEnds,
  StreamError,
  StreamEvent,
  type StreamSystem,
  socketAddress,
} from './streams.ts';
export { type RunTool, runTool, ToolError, type ToolOptions } from './tools.ts';
export { openXtables, type XtablesSocket } from './xtables-socket.ts';
