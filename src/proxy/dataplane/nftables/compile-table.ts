import { type Element, type Expression, formatExpression, type SetDefinition } from '../../../wire/nftables/mod.ts';
import type { PortPlan } from '../../plan/mod.ts';
import { clusterIpElement, elementsOf, formatElement, hairpinElement, type PlacedElement } from './elements.ts';
import {
  type ChainProgram,
  type Counts,
  choosers,
  countedSet,
  countedSetDefinition,
  type LayoutOptions,
  type SetName,
  staticChains,
  staticSets,
  tableComment,
} from './layout.ts';
import { Shared } from './shared.ts';

/** The whole table as it has to be: what `converge` compares the kernel with, and what a tracer evaluates. */
export interface TableProgram {
  readonly chains: readonly ChainProgram[];
  readonly sets: readonly (SetDefinition & { readonly name: SetName })[];
  readonly elements: ReadonlyMap<SetName, readonly Element[]>;
  readonly shared: Shared;
}

export function compileTable(ports: Iterable<PortPlan>, options: LayoutOptions): TableProgram {
  const shared = new Shared();
  const placed: PlacedElement[] = [];
  for (const port of ports) {
    for (const frontend of port.frontends) placed.push(...elementsOf(frontend, port));
    shared.add(port);
  }
  for (const address of shared.clusterIps.keys()) placed.push(clusterIpElement(address));
  for (const address of shared.hairpins.keys()) placed.push(hairpinElement(address));
  const { counts } = shared;
  shared.settle();
  const sets = [...staticSets, ...countedSets(counts)];
  const elements = new Map<SetName, Element[]>(sets.map(({ name }) => [name, []]));
  for (const { set, element } of placed) elements.get(set)!.push(element);
  return { chains: [...staticChains(options), ...choosers(counts)], sets, elements, shared };
}

const countedSets = ({ frontends, nodePorts }: Counts) => [
  ...frontends.map((count) => countedSetDefinition(countedSet('frontends', count))),
  ...nodePorts.map((count) => countedSetDefinition(countedSet('node-ports', count))),
];

/** The program in words, chain by chain and set by set. */
export function formatProgram({ chains, sets, elements }: TableProgram): string {
  const lines = [`table ip signalbox # ${tableComment}`];
  for (const { chain, rules } of chains) {
    const { base } = chain;
    lines.push('', `chain ${chain.name}${base ? ` # ${base.type} ${base.hook} ${base.priority}` : ''}`);
    lines.push(...rules.map((rule) => `  ${formatRule(rule)}`));
  }
  for (const { name, data } of sets) {
    lines.push('', `${data === undefined ? 'set' : 'map'} ${name}`);
    lines.push(...elements.get(name)!.map((element) => `  ${formatElement(name, element)}`));
  }
  return `${lines.join('\n')}\n`;
}

export const formatRule = (rule: readonly Expression[]): string => rule.map(formatExpression).join('; ');
