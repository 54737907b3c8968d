import { type DnsConfig, ndotsOf } from '../../kube/mod.ts';

/** One of the names that a client asks for in turn. */
export interface Candidate {
  /** Without the final dot. */
  readonly name: string;
  /** The search domain that was added; undefined: as it was given. */
  readonly suffix: string | undefined;
}

const longestName = 253;

/**
 * The names that a resolver library asks for until one of them has records (glibc's resolv/res_query.c): as it stands
 * when it ends in a dot, and only so; as it stands first when it has `ndots` dots, else last; the search list between.
 */
export function candidatesOf(given: string, config: Pick<DnsConfig, 'searches' | 'options'>): Candidate[] {
  const name = given.replace(/\.$/, '');
  const asItStands: Candidate = { name, suffix: undefined };
  if (given.endsWith('.')) return [asItStands];
  const searched = config.searches
    .map((suffix) => suffix.replace(/\.$/, ''))
    .filter((suffix) => suffix !== '')
    .map((suffix) => ({ name: `${name}.${suffix}`, suffix }))
    .filter((candidate) => candidate.name.length <= longestName);
  return hasEnoughDots(name, config) ? [asItStands, ...searched] : [...searched, asItStands];
}

export const hasEnoughDots = (name: string, config: Pick<DnsConfig, 'options'>): boolean =>
  name.split('.').length - 1 >= ndotsOf(config);
