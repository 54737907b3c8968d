import { hash } from 'node:crypto';
import { isKernelError } from '../../../kernel/errors.ts';
import type { XtablesSocket } from '../../../kernel/mod.ts';
import type { Family, TableName } from '../../../wire/iptables/mod.ts';
import {
  clearCounters,
  decodeTableInfo,
  requestTableEntries,
  requestTableInfo,
  XtablesOption,
} from '../../../wire/xtables/mod.ts';

/** Somebody who changes the table in a tight loop could keep us asking for ever. */
const attemptLimit = 5;

/**
 * A text that changes with any rule of the table and with nothing else: not with the counters. The kernel copies out all
 * entries for it, some 30 MB of 80,000 rules: a third of the time that a run of the tool takes.
 */
export function digestTable(socket: XtablesSocket, family: Family, table: TableName): string {
  for (let attempt = 1; ; attempt++) {
    const info = requestTableInfo(table);
    socket.ask(XtablesOption.info, info);
    const entries = requestTableEntries(table, decodeTableInfo(info).size);
    try {
      socket.ask(XtablesOption.entries, entries);
      // Entries of an unknown form have other digests each time, and are then compared rule by rule.
      clearCounters(entries, family);
      return hash('sha256', entries);
    } catch (error) {
      // It has another size by now.
      if (attempt === attemptLimit || !isKernelError(error, 'EAGAIN')) throw error;
    } finally {
      // Not left to the garbage collector, to which it looks small.
      (entries.buffer as ArrayBuffer).transfer(0);
    }
  }
}
