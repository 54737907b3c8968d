/** How to turn one list of distinct texts into another, keeping what they have in common where it stands. */
export interface ScriptStep {
  /** Index into the new list. */
  readonly insert: number;
  /** The old text before which it goes. Absent: at the end. */
  readonly before?: string;
}

export interface Script {
  readonly removals: readonly string[];
  /** Before one and the same text, in the order in which they shall stand. */
  readonly insertions: readonly ScriptStep[];
}

/**
 * Walks both lists once: a text that stands further on in the old list is kept, and what stands before it there goes.
 * That is the least work for lists in which single places change, as chains of endpoints do.
 */
export function editScript(before: readonly string[], after: readonly string[]): Script {
  const position = new Map(before.map((text, index) => [text, index]));
  const kept = new Set<string>();
  const insertions: ScriptStep[] = [];
  let next = 0;
  let waiting: number[] = [];
  const settle = (anchor: string | undefined) => {
    for (const insert of waiting) insertions.push({ insert, ...(anchor !== undefined && { before: anchor }) });
    waiting = [];
  };
  for (const [index, text] of after.entries()) {
    const at = position.get(text);
    if (at === undefined || at < next) waiting.push(index);
    else {
      settle(text);
      kept.add(text);
      next = at + 1;
    }
  }
  settle(undefined);
  return { removals: before.filter((text) => !kept.has(text)), insertions };
}
