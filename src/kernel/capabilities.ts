import { readFileSync } from 'node:fs';
import { OperatingError } from '../base/errors.ts';
import { decodeAnswer, MessageBatch, MessageFlag } from '../wire/netlink/mod.ts';
import { isKernelError } from './errors.ts';
import { fileCall } from './libc.ts';
import type { Kernel } from './port.ts';

/** Something that the machine or the user's rights must have, and have not; the message says what to do. */
export class CapabilityError extends OperatingError {
  constructor(operation: string, code: 'privilege' | 'nf_tables', state: string) {
    super(operation, code, state);
    this.name = 'CapabilityError';
  }
}

/** include/uapi/linux/capability.h */
const capabilities = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

export type Capability = keyof typeof capabilities;

/** What is needed to make namespaces, links and rules. */
export const clusterCapabilities: readonly Capability[] = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'];

/**
 * Throws CapabilityError when this process lacks one of the capabilities: `Signalbox up needs root: …`. `program` opens
 * the sentence; `status` is the text of /proc/self/status.
 */
export function checkPrivileges(
  program: string,
  needed: readonly Capability[] = clusterCapabilities,
  status: string = fileCall('Read own capabilities', () => readFileSync('/proc/self/status', 'latin1')),
): void {
  const missing = missingCapabilities(status, needed);
  if (missing.length === 0) return;
  const root = /^Uid:\s+\d+\s+0\s/m.test(status);
  const state = root
    ? `this container's root lacks ${missing.join(' and ')}; start it with these capabilities (--privileged gives all)`
    : `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing; run it again with sudo`;
  throw new CapabilityError(`${program} needs root`, 'privilege', state);
}

export function missingCapabilities(status: string, needed: readonly Capability[]): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return needed.filter((name) => ((effective >> BigInt(capabilities[name])) & 1n) === 0n);
}

/** include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h: NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN */
const getGeneration = (10 << 8) | 16;

/** Throws CapabilityError when the kernel has no nf_tables; asks for its generation number, which loads the module. */
export function checkNftables(kernel: Kernel, program: string): void {
  const refusal = askForGeneration(kernel);
  if (refusal === undefined) return;
  const operation = `${program} needs nf_tables`;
  if (refusal === 'EPERM') {
    throw new CapabilityError(
      operation,
      'privilege',
      'the kernel does not let this user ask for it; run it again with sudo',
    );
  }
  const remedy = 'load it (modprobe nf_tables) or start a kernel of 5.13 or newer that is built with CONFIG_NF_TABLES';
  throw new CapabilityError(operation, 'nf_tables', `this kernel does not have it (${refusal}); ${remedy}`);
}

/** The errno's name when the kernel refuses, undefined when it answers. */
function askForGeneration(kernel: Kernel): string | undefined {
  try {
    const socket = kernel.openNetlink('netfilter');
    try {
      const batch = new MessageBatch();
      // struct nfgenmsg: family unspecified, version 0.
      batch.message(getGeneration, MessageFlag.acknowledge, (writer) => writer.appendZeros(4));
      return decodeAnswer(socket.exchange(batch.finish())).errors[0]?.code;
    } finally {
      socket.close();
    }
  } catch (error) {
    // EPROTONOSUPPORT: the kernel is without netfilter's netlink altogether.
    if (isKernelError(error)) return error.code;
    throw error;
  }
}
