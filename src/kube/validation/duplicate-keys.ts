import { childPath } from './field-error.ts';

interface Frame {
  readonly path: string;
  /** The keys so far, of an object; of an array its next index. */
  readonly keys: Set<string> | undefined;
  index: number;
  key: string;
}

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs;

/**
 * The keys that a JSON text gives twice in one object, as upstream's sentences: `duplicate field "spec.type"`. The text
 * must be valid JSON. No recursion: the text is a stranger's, and may be all brackets.
 */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  const frames: Frame[] = [];
  let awaitsKey = false;
  for (const [token] of text.matchAll(tokens)) {
    const frame = frames.at(-1);
    if (token === '{' || token === '[') {
      frames.push({ path: frame ? pathOf(frame) : '', keys: token === '{' ? new Set() : undefined, index: 0, key: '' });
      awaitsKey = token === '{';
    } else if (token === '}' || token === ']') {
      frames.pop();
      awaitsKey = false;
    } else if (token === ',' && frame) {
      frame.index++;
      awaitsKey = frame.keys !== undefined;
    } else if (awaitsKey && frame?.keys) {
      frame.key = JSON.parse(token);
      if (frame.keys.has(frame.key)) found.push(`duplicate field ${JSON.stringify(pathOf(frame))}`);
      frame.keys.add(frame.key);
      awaitsKey = false;
    }
  }
  return [...new Set(found)];
}

const pathOf = (frame: Frame): string =>
  frame.keys ? childPath(frame.path, frame.key) : `${frame.path}[${frame.index}]`;
