import { basename } from 'node:path';
import { UsageError } from '../../base/errors.ts';

/** Where something stands in a Corefile or in what it imports. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** `Read Corefile: line 12: …`; an imported file goes by its path as the import found it. */
export const mistake = ({ file, line }: Place, state: string): UsageError =>
  new UsageError(`Read ${basename(file) === 'Corefile' ? 'Corefile' : file}`, `line ${line}: ${state}`);

/** ` (did you mean lameduck?)` when a known word is near, else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

/** How many characters have to be put in, left out or changed. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const change = row[to - 1]! + Number(one[at - 1] !== other[to - 1]);
      next.push(Math.min(change, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
