import { spawnSync } from 'node:child_process';
import { codeOf, OperatingError } from '../../../base/errors.ts';
import { withNetns } from '../../../kernel/mod.ts';
import { parseSave, type TableContent, type TableName } from '../../../wire/iptables/mod.ts';
import type { Family } from '../../plan/mod.ts';

/** The tools of the iptables package, whichever kernel interface they are built for. Both throw OperatingError: `unsupported`, `EPERM`, `tool`. */
export interface IptablesTool {
  /** Both tables that the userspace dataplane has rules in. */
  save(): TableContent[];
  /** Takes what `printRestore` prints; one transaction for each table in it. */
  restore(text: string): void;
}

const tables: readonly TableName[] = ['nat', 'filter'];

/** Another user of the tools may hold their lock for so long. */
const lockWaitSeconds = 5;

const outputLimit = 256 << 20;

export function createIptablesTool(family: Family, netns?: string): IptablesTool {
  const tool = family === 'IPv4' ? 'iptables' : 'ip6tables';
  const run = (operation: string, program: string, words: readonly string[], input: string): string => {
    const spawn = () => spawnSync(program, words, { input, encoding: 'utf8', maxBuffer: outputLimit });
    const { error, status, stdout, stderr } = netns === undefined ? spawn() : withNetns(netns, spawn);
    if (codeOf(error) === 'ENOENT') throw new OperatingError(operation, 'unsupported', `${program} is not installed`);
    if (error) throw new OperatingError(operation, codeOf(error) ?? 'tool', error.message, error);
    if (status === 0) return stdout;
    const code = /permission denied|must be root/i.test(stderr) ? 'EPERM' : 'tool';
    throw new OperatingError(operation, code, `${program} ended with ${status}: ${stderr.trim()}`);
  };
  return {
    save: () => tables.flatMap((table) => parseSave(run('Read iptables rules', `${tool}-save`, ['-t', table], ''))),
    restore(text) {
      run('Write iptables rules', `${tool}-restore`, ['--noflush', '-w', String(lockWaitSeconds)], text);
    },
  };
}
