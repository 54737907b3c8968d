export { isKernelError, KernelError } from './errors.ts';
export { createFakeKernel, type FakeKernel, type FakeReply } from './fake.ts';
export { createFaultyKernel, type Fault, type KernelCall } from './faulty.ts';
export type { Kernel, NetlinkProtocol, NetlinkSocket } from './port.ts';
export { createKernel } from './real.ts';
