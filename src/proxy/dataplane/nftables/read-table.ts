import { isDeepStrictEqual } from 'node:util';
import { KernelError } from '../../../kernel/errors.ts';
import type { NetlinkMessage } from '../../../wire/netlink/mod.ts';
import { errnoNumber } from '../../../wire/netlink/mod.ts';
import {
  type Chain,
  decodeChain,
  decodeElements,
  decodeRule,
  decodeSet,
  decodeTable,
  type Element,
  type Expression,
  formatVerdict,
  requestChains,
  requestElements,
  requestRules,
  requestSets,
  requestTable,
  type SetDefinition,
  type Table,
} from '../../../wire/nftables/mod.ts';
import type { FoundGroups } from '../../plan/mod.ts';
import type { Found } from '../port.ts';
import type { FamilyFacts } from './family.ts';
import { foundGroups } from './found-groups.ts';
import { tableComment, tableName } from './layout.ts';
import type { NftLink } from './link.ts';
import { staticSets } from './sets.ts';

/** What the kernel holds under our table's name, whoever put it there. */
export interface FoundTable extends Found {
  /** Of the whole rule set, when it was read. */
  readonly generation: number;
  /** Absent: there is none. */
  readonly table?: Table;
  readonly chains: ReadonlyMap<string, Chain & { readonly rules: readonly (readonly Expression[])[] }>;
  readonly sets: ReadonlyMap<string, SetDefinition>;
  readonly elements: ReadonlyMap<string, FoundElements>;
}

/** Data by key, both as strings of bytes (latin1), which a Map can look up; a verdict in words, and '' in a plain set. */
export type FoundElements = ReadonlyMap<string, string>;

/** Somebody who changes rules in a tight loop could keep us reading for ever. */
const attemptLimit = 5;

export function readTable(link: NftLink, family: FamilyFacts): FoundTable {
  for (let attempt = 0; attempt < attemptLimit; attempt++) {
    const found = readOnce(link, family, attempt + 1 < attemptLimit);
    if (found) return found;
  }
  const errno = { code: 'EBUSY', number: errnoNumber('EBUSY')! };
  throw new KernelError('Read nftables', errno, {
    kernelMessage: `it changed during each of ${attemptLimit} attempts`,
  });
}

/**
 * Undefined when the rule set changed meanwhile: what was read may not fit together. With `whole`, also when elements are
 * missing: while the kernel moves a set to a larger hash table, as it does for a moment after many additions, a dump
 * leaves some out and shows others twice.
 */
function readOnce(link: NftLink, family: FamilyFacts, whole: boolean): FoundTable | undefined {
  const generation = link.generation();
  const tableMessage = link.get((sequence) => requestTable(link.family, tableName, sequence));
  if (tableMessage === undefined) return { ...nothing, generation };
  const chainMessages = link.dump((sequence) => requestChains(link.family, sequence));
  const ruleMessages = link.dump((sequence) => requestRules(link.family, tableName, sequence));
  const setMessages = link.dump((sequence) => requestSets(link.family, tableName, sequence));
  if (!chainMessages || !ruleMessages || !setMessages) return undefined;
  const foundSets = new Map<string, SetDefinition>();
  const elements = new Map<string, FoundElements>();
  for (const { payload } of setMessages) {
    const { table, set, count } = decodeSet(payload);
    if (table !== tableName) continue;
    foundSets.set(set.name, set);
    // Those that packets put there are nobody's business.
    if (set.dynamic) continue;
    const messages = link.dump((sequence) => requestElements(link.family, tableName, set.name, sequence));
    if (!messages) return undefined;
    const list = readElements(messages);
    if (whole && count !== undefined && list.size !== count) return undefined;
    elements.set(set.name, list);
  }
  if (link.generation() !== generation) return undefined;
  const chains = readChains(chainMessages, ruleMessages);
  const table = decodeTable(tableMessage.payload);
  return new OurTable(family, generation, table, chains, foundSets, elements);
}

const nothing = { exists: false, groups: new Map(), chains: new Map(), sets: new Map(), elements: new Map() };

class OurTable implements FoundTable {
  readonly exists = true;
  readonly #family: FamilyFacts;
  readonly generation: number;
  readonly table: Table;
  readonly chains: FoundTable['chains'];
  readonly sets: FoundTable['sets'];
  readonly elements: FoundTable['elements'];

  constructor(
    family: FamilyFacts,
    generation: number,
    table: Table,
    chains: FoundTable['chains'],
    sets: FoundTable['sets'],
    elements: FoundTable['elements'],
  ) {
    this.#family = family;
    this.generation = generation;
    this.table = table;
    this.chains = chains;
    this.sets = sets;
    this.elements = elements;
  }

  /** Worked out on demand: only the start needs it. In another layout's sets the bytes mean something else. */
  get groups(): FoundGroups {
    return isOurLayout(this, this.#family) ? foundGroups(this.#family, this.elements) : new Map();
  }
}

/** The same version of the layout wrote it, and its sets are as they were made. */
export function isOurLayout({ table, sets }: FoundTable, family: FamilyFacts): boolean {
  if (table?.comment !== tableComment) return false;
  return staticSets(family).every((set) => isDeepStrictEqual(sets.get(set.name), set));
}

function readElements(messages: readonly NetlinkMessage[]): FoundElements {
  const elements = new Map<string, string>();
  for (const { payload } of messages) {
    decodeElements(payload, (_set, { key, data }) => elements.set(key.toString('latin1'), dataText(data)));
  }
  return elements;
}

export function dataText(data: Element['data']): string {
  if (data === undefined) return '';
  return data instanceof Uint8Array ? data.toString('latin1') : formatVerdict(data);
}

function readChains(chainMessages: readonly NetlinkMessage[], ruleMessages: readonly NetlinkMessage[]) {
  const chains = new Map<string, Chain & { readonly rules: (readonly Expression[])[] }>();
  for (const { payload } of chainMessages) {
    const { table, ...chain } = decodeChain(payload);
    if (table === tableName) chains.set(chain.name, { ...chain, rules: [] });
  }
  for (const { payload } of ruleMessages) {
    const { table, chain, expressions } = decodeRule(payload);
    if (table === tableName) chains.get(chain)?.rules.push(expressions);
  }
  return chains;
}
