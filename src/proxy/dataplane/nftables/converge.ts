import { isDeepStrictEqual } from 'node:util';
import type { Element, NftBatch } from '../../../wire/nftables/mod.ts';
import { formatRule, type TableProgram } from './compile-table.ts';
import { ElementDelta } from './delta.ts';
import type { FamilyFacts } from './family.ts';
import { type ChainProgram, tableComment, tableName } from './layout.ts';
import { dataText, type FoundTable, isOurLayout } from './read-table.ts';

/** Fills the batch with what turns the table that was found into the wanted one. An empty batch: they are the same. */
export function converge(found: FoundTable, wanted: TableProgram, family: FamilyFacts, batch: NftBatch): void {
  if (isRepairable(found, wanted, family)) repair(found, wanted, family, batch);
  else replace(found, wanted, family, batch);
}

/** Base chains and sets cannot be changed in place; anything else can. */
function isRepairable(found: FoundTable, { chains, sets }: TableProgram, family: FamilyFacts): boolean {
  return (
    isOurLayout(found, family) &&
    sets.every((set) => isDeepStrictEqual(found.sets.get(set.name) ?? set, set)) &&
    chains.every(({ chain }) => {
      const there = found.chains.get(chain.name);
      return there === undefined || isDeepStrictEqual(there.base, chain.base);
    })
  );
}

/** One transaction: packets see the old table or the new one, and connections go on as conntrack has them. */
function replace({ exists }: FoundTable, wanted: TableProgram, family: FamilyFacts, batch: NftBatch): void {
  if (exists) batch.deleteTable();
  batch.addTable({ name: tableName, comment: tableComment });
  for (const set of wanted.sets) batch.addSet(set);
  addChains(wanted.chains, batch);
  addRules(wanted.chains, batch);
  const delta = new ElementDelta();
  for (const [set, list] of wanted.elements) for (const element of list) delta.add(set, element);
  delta.write(batch, family);
}

function repair(found: FoundTable, wanted: TableProgram, family: FamilyFacts, batch: NftBatch): void {
  const delta = new ElementDelta();
  for (const [set, list] of wanted.elements) compareElements(set, found.elements.get(set) ?? new Map(), list, delta);
  reshape(found, wanted, () => delta.write(batch, family), batch);
}

/** Sets by name, and chains with their rules: what is there, or what is to be. */
interface Structure {
  readonly sets: ReadonlyMap<string, unknown>;
  readonly chains: ReadonlyMap<string, Pick<ChainProgram, 'rules'>>;
}

/** Sets and chains as wanted; elements are written when their sets are there, and chains and sets go when nobody needs them. */
export function reshape(
  found: Structure,
  wanted: Pick<TableProgram, 'sets' | 'chains'>,
  writeElements: () => void,
  batch: NftBatch,
): void {
  const setNames = new Set(wanted.sets.map(({ name }) => name));
  const chainNames = new Set(wanted.chains.map(({ chain }) => chain.name));
  const stray = [...found.chains.keys()].filter((name) => !chainNames.has(name));
  const missing = wanted.chains.filter(({ chain }) => !found.chains.has(chain.name));
  const changed = wanted.chains.filter((program) => hasOtherRules(program, found));

  for (const set of wanted.sets) if (!found.sets.has(set.name)) batch.addSet(set);
  writeElements();
  for (const name of [...stray, ...changed.map(({ chain }) => chain.name)]) batch.flushChain(name);
  addChains(missing, batch);
  addRules([...missing, ...changed], batch);
  for (const name of stray) batch.deleteChain(name);
  for (const name of found.sets.keys()) if (!setNames.has(name)) batch.deleteSet(name);
}

function hasOtherRules({ chain, rules }: ChainProgram, { chains }: Structure): boolean {
  const there = chains.get(chain.name);
  return there !== undefined && there.rules.map(formatRule).join('\n') !== rules.map(formatRule).join('\n');
}

function compareElements(
  set: string,
  found: ReadonlyMap<string, string>,
  wanted: readonly Element[],
  delta: ElementDelta,
): void {
  const keys = new Set<string>();
  for (const element of wanted) {
    const key = element.key.toString('latin1');
    keys.add(key);
    const data = found.get(key);
    if (data === dataText(element.data)) continue;
    if (data !== undefined) delta.remove(set, element);
    delta.add(set, element);
  }
  for (const key of found.keys()) {
    if (!keys.has(key)) delta.remove(set, { key: Buffer.from(key, 'latin1') });
  }
}

function addChains(chains: readonly ChainProgram[], batch: NftBatch): void {
  for (const { chain } of chains) batch.addChain(chain);
}

function addRules(chains: readonly ChainProgram[], batch: NftBatch): void {
  for (const { chain, rules } of chains) {
    for (const expressions of rules) batch.addRule({ chain: chain.name, expressions });
  }
}
