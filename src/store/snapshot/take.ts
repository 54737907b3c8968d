import type { Store } from '../port.ts';
import { encodeLine, entryLine, snapshotFormat } from './format.ts';

const pageSize = 500;

/**
 * Everything below a prefix as it is now, at one revision, in pieces of some hundred entries: header, entries and their
 * count, without a seal. Throws `compacted` when the reader is slower than history is forgotten.
 */
export async function* takeSnapshot(store: Store, prefix: string, nowMs: number): AsyncGenerator<string> {
  const revision = await store.sync();
  const takenAt = new Date(nowMs).toISOString();
  yield encodeLine({ type: 'snapshot', format: snapshotFormat, revision, takenAt });
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await store.list(prefix, { revision, limit: pageSize, ...(after !== undefined && { after }) });
    count += page.entries.length;
    yield page.entries.map(entryLine).join('');
    if (page.remaining === 0) break;
    after = page.entries.at(-1)!.key;
  }
  yield encodeLine({ type: 'entries', count });
}
