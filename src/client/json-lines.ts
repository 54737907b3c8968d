/**
 * Splits text that arrives in arbitrary pieces into lines. Each character is looked at once, however small the pieces
 * are: an unfinished line is kept as its pieces and joined when its end has come.
 */
export class LineSplitter {
  #pieces: string[] = [];

  /** The lines that `text` completes, without their ends; empty lines are left out. */
  *push(text: string): Generator<string> {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = this.#finish(text.slice(start, end));
      if (line !== '') yield line;
      start = end + 1;
    }
    if (start < text.length) this.#pieces.push(text.slice(start));
  }

  /** What has come since the last line's end. */
  rest(): string {
    return this.#finish('');
  }

  #finish(tail: string): string {
    if (this.#pieces.length === 0) return tail;
    const line = this.#pieces.join('') + tail;
    this.#pieces = [];
    return line;
  }
}
