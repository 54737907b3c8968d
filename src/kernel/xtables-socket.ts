import { closeSync } from 'node:fs';
import { checked, libc } from './libc.ts';
import { withNetns } from './namespace-switch.ts';

/** Families, SOL_IP and SOL_IPV6. */
const sockets = { IPv4: { domain: 2, level: 0 }, IPv6: { domain: 10, level: 41 } } as const;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;

/** Where x_tables, iptables' legacy interface, is asked about its tables. It stays in the namespace that it was opened in. */
export interface XtablesSocket {
  /** getsockopt(2): what to ask for goes in, what the kernel says comes out in the same bytes. Throws KernelError. */
  ask(option: number, bytes: Uint8Array): void;
  close(): void;
}

/** `netns`: path of the network namespace; default: the process's own. Throws KernelError. */
export function openXtables(family: 'IPv4' | 'IPv6', netns?: string): XtablesSocket {
  const { domain, level } = sockets[family];
  const system = libc();
  const open = () => checked('Open a raw socket', system.socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const descriptor = netns === undefined ? open() : withNetns(netns, open);
  return {
    ask(option, bytes) {
      checked('Ask x_tables', system.getsockopt(descriptor, level, option, bytes));
    },
    close: () => closeSync(descriptor),
  };
}
