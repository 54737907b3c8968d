import { OperatingError } from '../../../base/errors.ts';
import { type RunTool, ToolError, type ToolOptions } from '../../../kernel/mod.ts';
import { parseSave, type TableContent, type TableName } from '../../../wire/iptables/mod.ts';
import { MalformedError } from '../../../wire/netlink/mod.ts';
import type { Family } from '../../plan/mod.ts';

/**
 * The tools of the iptables package, whichever kernel interface they are built for. Both throw OperatingError:
 * `unsupported`, `EPERM`, or the code of a ToolError.
 */
export interface IptablesTool {
  /** Both tables that the userspace dataplane has rules in. */
  save(): TableContent[];
  /** Takes what `printRestore` prints; one transaction for each table in it. */
  restore(text: string): void;
}

const tables: readonly TableName[] = ['nat', 'filter'];

/** Another user of the tools may hold their lock for so long. */
const lockWaitSeconds = 5;

export function createIptablesTool(runTool: RunTool, family: Family, netns?: string): IptablesTool {
  const tool = family === 'IPv4' ? 'iptables' : 'ip6tables';
  const run = (operation: string, program: string, words: readonly string[], options: ToolOptions = {}): string => {
    try {
      return runTool(program, words, { ...options, ...(netns !== undefined && { netns }) });
    } catch (error) {
      throw error instanceof ToolError ? explained(error, operation, program) : error;
    }
  };
  return {
    save: () =>
      tables.map((name) => {
        const [table] = parseSave(run('Read iptables rules', `${tool}-save`, ['-t', name]));
        if (!table) throw new MalformedError('Read iptables-save', `table ${name} is not in it`);
        return table;
      }),
    restore(text) {
      run('Write iptables rules', `${tool}-restore`, ['--noflush', '-w', String(lockWaitSeconds)], { input: text });
    },
  };
}

function explained(error: ToolError, operation: string, program: string): OperatingError {
  if (error.code === 'ENOENT')
    return new OperatingError(operation, 'unsupported', `${program} is not installed`, error);
  if (!/permission denied|must be root/i.test(error.stderr)) return error;
  return new OperatingError(operation, 'EPERM', error.message, error);
}
