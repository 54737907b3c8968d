import { type Element, type Expression, formatExpression } from '../../../wire/nftables/mod.ts';
import type { PortPlan } from '../../plan/mod.ts';
import {
  clusterIpElement,
  elementsOf,
  formatElement,
  hairpinElement,
  type PlacedElement,
  pickerElement,
} from './elements.ts';
import {
  type ChainProgram,
  type LayoutOptions,
  pickerChain,
  SetName,
  sets,
  staticChains,
  tableComment,
} from './layout.ts';
import { Shared } from './shared.ts';

/** The whole table as it has to be: what `converge` compares the kernel with, and what a tracer evaluates. */
export interface TableProgram {
  readonly chains: readonly ChainProgram[];
  readonly elements: ReadonlyMap<SetName, readonly Element[]>;
  readonly shared: Shared;
}

export function compileTable(ports: Iterable<PortPlan>, options: LayoutOptions): TableProgram {
  const shared = new Shared();
  const elements = new Map<SetName, Element[]>(sets.map(({ name }) => [name, []]));
  const place = ({ set, element }: PlacedElement) => elements.get(set)!.push(element);
  for (const port of ports) {
    for (const element of elementsOf(port)) place(element);
    shared.add(port);
  }
  for (const address of shared.clusterIps.keys()) place(clusterIpElement(address));
  for (const address of shared.hairpins.keys()) place(hairpinElement(address));
  const counts = [...shared.pickers.keys()].sort((a, b) => a - b);
  for (const count of counts) place(pickerElement(count));
  shared.settle();
  const chains = [...staticChains(options), ...counts.map((count) => pickerChain(count, options))];
  return { chains, elements, shared };
}

/** The program in words, chain by chain and set by set. */
export function formatProgram({ chains, elements }: TableProgram): string {
  const lines = [`table ip signalbox # ${tableComment}`];
  for (const { chain, rules } of chains) {
    const { base } = chain;
    lines.push('', `chain ${chain.name}${base ? ` # ${base.type} ${base.hook} ${base.priority}` : ''}`);
    lines.push(...rules.map((rule) => `  ${formatRule(rule)}`));
  }
  for (const [set, list] of elements) {
    lines.push('', `${set === SetName.clusterIps || set === SetName.hairpins ? 'set' : 'map'} ${set}`);
    lines.push(...list.map((element) => `  ${formatElement(set, element)}`));
  }
  return `${lines.join('\n')}\n`;
}

export const formatRule = (rule: readonly Expression[]): string => rule.map(formatExpression).join('; ');
