import { readFileSync } from 'node:fs';
import { availableParallelism, machine, release, totalmem } from 'node:os';
import { readIfPresent } from '../files.ts';

/** What the machine is, for Node.status. */
export interface NodeFacts {
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Go calls it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly machineId: string;
  readonly bootId: string;
}

export function readNodeFacts(): NodeFacts {
  return {
    cpu: availableParallelism(),
    memoryBytes: totalmem(),
    kernelVersion: release(),
    osImage: osImageOf(readIfPresent('/etc/os-release') ?? ''),
    architecture: { x86_64: 'amd64', aarch64: 'arm64' }[machine()] ?? machine(),
    machineId: (readIfPresent('/etc/machine-id') ?? '').trim(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}

/** os-release(5) */
export function osImageOf(osRelease: string): string {
  const match = /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(osRelease);
  return match?.[2] || 'Linux';
}
