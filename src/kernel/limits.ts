import { checked, libc } from './libc.ts';

/** include/uapi/asm-generic/resource.h */
const RLIMIT_NOFILE = 7;

/**
 * Lets this process have so many files and sockets open, or as many as it may: going beyond the hard limit takes
 * CAP_SYS_RESOURCE. Never lowers the limit. Returns what it is then. Throws KernelError.
 */
export function raiseFileLimit(wanted: number): number {
  const operation = `Raise the limit of open files to ${wanted}`;
  const limit = Buffer.alloc(16);
  checked(operation, libc().getrlimit(RLIMIT_NOFILE, limit));
  const { soft, hard } = readLimit(limit);
  if (soft >= wanted) return soft;
  if (libc().setrlimit(RLIMIT_NOFILE, limitOf(wanted, Math.max(hard, wanted))) === 0) return wanted;
  checked(operation, libc().setrlimit(RLIMIT_NOFILE, limitOf(hard, hard)));
  return hard;
}

/** struct rlimit: the limit that counts, and how far it may be raised; RLIM_INFINITY is the largest number. */
const readLimit = (bytes: Buffer) => ({
  soft: Number(bytes.readBigUInt64LE(0)),
  hard: Number(bytes.readBigUInt64LE(8)),
});

function limitOf(soft: number, hard: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(soft), 0);
  bytes.writeBigUInt64LE(BigInt(hard), 8);
  return bytes;
}
