import { dirname, resolve } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.ts';
import { mistake, type Place } from './mistake.ts';
import { type Environment, isBrace, type Token, tokenize } from './token.ts';

/** One line of a block, with the block that it opens. */
export interface Line {
  readonly words: readonly [Token, ...Token[]];
  readonly block?: readonly Line[];
}

/** `cluster.local example.org:5353 { … }` */
export interface Block {
  readonly keys: readonly [Token, ...Token[]];
  readonly lines: readonly Line[];
}

export interface CorefileText {
  readonly blocks: readonly Block[];
  /** All that was read, the Corefile first, with what was found: a reload is due when it differs. */
  readonly files: ReadonlyMap<string, string>;
  /** What a user should know and need not change. */
  readonly notices: readonly string[];
}

/** Where the files come from. */
export interface FileSource {
  /** Throws what Node's `readFileSync` throws. */
  read(path: string): string;
  /** The files that match, in order of their names. */
  glob(pattern: string): readonly string[];
  readonly environment: Environment;
}

/** Reads the structure of a Corefile, imports resolved, without knowing any directive. Throws UsageError. */
export function parseCorefile(path: string, source: FileSource): CorefileText {
  const parser = new Parser(source);
  parser.file(path, { file: path, line: 1 });
  return parser;
}

const deepestImport = 20;

class Parser implements CorefileText {
  readonly blocks: Block[] = [];
  readonly files = new Map<string, string>();
  readonly notices: string[] = [];
  readonly #source: FileSource;
  readonly #snippets = new Map<string, readonly Line[]>();
  #depth = 0;

  constructor(source: FileSource) {
    this.#source = source;
  }

  file(path: string, from: Place): void {
    const cursor = this.#open(path, from);
    while (cursor.token) this.#topLevel(cursor);
  }

  #topLevel(cursor: Cursor): void {
    const first = cursor.token!;
    if (isBrace(first, '}')) throw mistake(first, "unexpected '}'");
    if (isBrace(first, '{')) throw mistake(first, "a block without a zone before its '{'");
    if (first.text === 'import' && !first.quoted) {
      this.#importTopLevel(cursor.restOfLine());
      return;
    }
    const snippet = /^\((.+)\)$/.exec(first.text)?.[1];
    if (snippet !== undefined && isBrace(cursor.peek(1), '{')) {
      cursor.skip(1);
      this.#snippets.set(snippet, this.#braces(cursor));
      return;
    }
    const keys = this.#keys(cursor);
    // A file of one block may go without its braces.
    this.blocks.push({ keys, lines: isBrace(cursor.token, '{') ? this.#braces(cursor) : this.#lines(cursor) });
  }

  /** Zones end with their line unless a comma says that more follow. */
  #keys(cursor: Cursor): [Token, ...Token[]] {
    const keys: Token[] = [];
    for (;;) {
      const token = cursor.token!;
      cursor.skip(1);
      const texts = token.text.split(',').filter((text) => text !== '');
      keys.push(...texts.map((text) => ({ ...token, text })));
      const next = cursor.token;
      const goesOn = next && (next.line === token.line || token.text.endsWith(','));
      if (!goesOn || isBrace(next, '{')) break;
    }
    const [first, ...others] = keys;
    if (!first) throw mistake(cursor.last, 'a server block without a zone');
    return [first, ...others];
  }

  #braces(cursor: Cursor): Line[] {
    const open = cursor.token!;
    cursor.skip(1);
    if (cursor.token?.line === open.line && cursor.token.file === open.file) {
      throw mistake(open, `${JSON.stringify(cursor.token.text)} after '{': what a block holds begins on the next line`);
    }
    const lines = this.#lines(cursor);
    if (!isBrace(cursor.token, '}')) throw mistake(open, "no '}' closes this '{'");
    const close = cursor.token!;
    cursor.skip(1);
    if (cursor.token?.line === close.line) {
      throw mistake(close, `${JSON.stringify(cursor.token.text)} after '}': it must stand alone on its line`);
    }
    return lines;
  }

  /** To the `}` that ends the block, or to the end of the file. */
  #lines(cursor: Cursor): Line[] {
    const lines: Line[] = [];
    while (cursor.token && !isBrace(cursor.token, '}')) {
      const words = cursor.restOfLine();
      if (words.length === 0) throw mistake(cursor.token, "a block without a name before its '{'");
      const [first, ...others] = words as [Token, ...Token[]];
      const close = others.find((word) => isBrace(word, '}'));
      if (close) throw mistake(close, "'}' must stand alone on its line");
      const block = isBrace(cursor.token, '{') && cursor.token.line === first.line ? this.#braces(cursor) : undefined;
      if (first.text === 'import' && !first.quoted) lines.push(...this.#importLines([first, ...others]));
      else lines.push({ words: [first, ...others], ...(block && { block }) });
    }
    return lines;
  }

  #importTopLevel(words: readonly Token[]): void {
    const target = importTarget(words);
    for (const path of this.#matches(target)) this.#within(target, () => this.file(path, target));
  }

  #importLines(words: readonly Token[]): Line[] {
    const target = importTarget(words);
    const snippet = this.#snippets.get(target.text);
    if (snippet) return [...snippet];
    return this.#matches(target).flatMap((path) =>
      this.#within(target, () => {
        const cursor = this.#open(path, target);
        const lines = this.#lines(cursor);
        if (cursor.token) throw mistake(cursor.token, "unexpected '}'");
        return lines;
      }),
    );
  }

  #within<Result>(target: Token, read: () => Result): Result {
    if (this.#depth >= deepestImport) throw mistake(target, `${target.text} is imported within itself`);
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  /** Relative to the file that imports; a pattern without a match is no mistake (AKS and EKS rely on that). */
  #matches(target: Token): readonly string[] {
    const path = resolve(dirname(target.file), target.text);
    if (!/[*?[]/.test(target.text)) return [path];
    const paths = this.#source.glob(path);
    this.files.set(path, paths.join('\n'));
    if (paths.length === 0) this.notices.push(`line ${target.line}: no file matches import ${target.text}`);
    return paths;
  }

  #open(path: string, from: Place): Cursor {
    try {
      const text = this.#source.read(path);
      this.files.set(path, text);
      return new Cursor(tokenize(text, path, this.#source.environment), path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && from.file !== path) {
        throw mistake(from, `import finds neither a snippet nor a file ${path}`);
      }
      throw mistake(from, `${path} cannot be read: ${messageOf(error)}`);
    }
  }
}

function importTarget(words: readonly Token[]): Token {
  const [word, target, ...others] = words;
  if (!target) throw mistake(word!, 'import needs the name of a snippet or a file');
  const more = others[0];
  if (more) throw mistake(more, `import takes one name, arguments such as ${JSON.stringify(more.text)} are not known`);
  return target;
}

class Cursor {
  readonly #tokens: readonly Token[];
  readonly #file: string;
  #at = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.#tokens = tokens;
    this.#file = file;
  }

  get token(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** The latest that was passed, for messages. */
  get last(): Place {
    return this.#tokens[this.#at - 1] ?? { file: this.#file, line: 1 };
  }

  peek(by: number): Token | undefined {
    return this.#tokens[this.#at + by];
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** The words up to the end of the line or to a `{`, which stays. */
  restOfLine(): Token[] {
    const words: Token[] = [];
    const line = this.token?.line;
    while (this.token?.line === line && this.token && !isBrace(this.token, '{')) {
      words.push(this.token);
      this.skip(1);
    }
    return words;
  }
}
