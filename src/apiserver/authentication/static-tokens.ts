import { UsageError } from '../../base/errors.ts';
import type { User } from '../../base/exchange.ts';
import { authenticatedGroup } from '../authorization/users.ts';

/**
 * The file of kube-apiserver's --token-auth-file: lines of `token,user,uid`, and groups in quotes with commas between.
 * Throws UsageError for a line that is none.
 */
export function readStaticTokens(text: string, file: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [token = '', name = '', uid = '', groups = ''] = cellsOf(line);
    const place = `Read line ${index + 1} of ${file}`;
    if (token === '' || name === '')
      throw new UsageError(place, 'it has no token and user', 'Write token,user,uid,"group1,group2"');
    if (users.has(token)) throw new UsageError(place, `its token is that of ${users.get(token)?.name}, too`);
    const named = groups
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== '');
    users.set(token, { name, ...(uid !== '' && { uid }), groups: [...named, authenticatedGroup] });
  }
  return users;
}

/** Cells of CSV: one in double quotes may hold commas, and a quote twice for one. */
const cellsOf = (line: string): string[] =>
  [...line.matchAll(/\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)/g)].map(([, cell = '']) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell.trim(),
  );
