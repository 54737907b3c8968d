import { giveMemoryBack } from '../base/heap.ts';
import { letGoOfFilePages } from '../kernel/mod.ts';

/** What only the start and the first listing needed goes back to the system. */
export function settleMemory(): void {
  giveMemoryBack();
  letGoOfFilePages();
}
