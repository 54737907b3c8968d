/** A word of a Corefile and where it stands. */
export interface Token {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** Quoted words are never braces. */
  readonly quoted: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The words of a file: separated by white space, with `#` comments, with double quotes in which only `\"` is special, and
 * with `{$NAME}` (or `{%NAME%}`) replaced from the environment; a variable that is not set leaves nothing.
 */
export function tokenize(text: string, file: string, environment: Environment): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const [found, newline, , quoted, plain] of text.matchAll(pattern)) {
    const word = quoted === undefined ? plain : quoted.replaceAll('\\"', '"');
    if (word !== undefined) {
      tokens.push({ text: substitute(word, environment), file, line, quoted: quoted !== undefined });
    }
    if (newline !== undefined) line++;
    else line += found.split('\n').length - 1;
  }
  return tokens;
}

const pattern = /(\n)|(#[^\n]*)|"((?:\\"|[^"])*)"?|([^\s#][^\s]*)/g;

const substitute = (word: string, environment: Environment): string =>
  word.replace(
    /\{\$([^{}]+)\}|\{%([^{}%]+)%\}/g,
    (_whole, unix?: string, windows?: string) => environment[unix ?? windows!] ?? '',
  );

/** Whether `token` is this brace and not the word of one. */
export const isBrace = (token: Token | undefined, brace: '{' | '}'): boolean =>
  token !== undefined && !token.quoted && token.text === brace;
