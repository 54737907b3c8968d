import { InputError } from '../errors.ts';

/** RFC 6901: `/spec/ports/0` as its reference tokens; the empty text is the whole document. */
export function parsePointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) {
    throw new InputError(
      'Read a JSON pointer',
      'malformed',
      `JSON pointer ${JSON.stringify(text)} must begin with '/'`,
    );
  }
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export const formatPointer = (tokens: readonly string[]): string =>
  tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
