import { writeFileSync } from 'node:fs';

/** `net.ipv4.conf.all.send_redirects` and its value; of the calling process's network namespace. */
export type WriteSysctl = (name: string, value: string) => void;

export const writeSysctl: WriteSysctl = (name, value) =>
  writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, `${value}\n`);
