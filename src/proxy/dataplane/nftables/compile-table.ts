import { type Element, type Expression, formatExpression, type SetDefinition } from '../../../wire/nftables/mod.ts';
import type { PortPlan, TrafficPolicy } from '../../plan/mod.ts';
import type { TrafficSettings } from '../port.ts';
import { endpointElement, formatElement, frontendKey, type PlacedElement } from './elements.ts';
import { families } from './family.ts';
import { type ChainProgram, chainsOf, tableComment, tableName } from './layout.ts';
import { type EarlierRows, Numbers, type Rows } from './numbers.ts';
import type { Pool } from './pools.ts';
import { endpointsOf, frontendElements, isSticky, poolsOf, type SeatedPort } from './port-elements.ts';
import { dynamicSets, staticSets } from './sets.ts';
import { Shared } from './shared.ts';

/** The whole table as it has to be: what `converge` compares the kernel with, and what a tracer evaluates. */
export interface TableProgram {
  readonly chains: readonly ChainProgram[];
  readonly sets: readonly SetDefinition[];
  /** By set; sets that packets fill are not there. */
  readonly elements: ReadonlyMap<string, readonly Element[]>;
}

/** What is remembered from one change to the next. */
export interface TableState {
  readonly shared: Shared;
  readonly numbers: Numbers;
}

export function compileTable(
  ports: Iterable<PortPlan>,
  settings: TrafficSettings,
  earlier?: EarlierRows,
): TableProgram & TableState {
  const [shared, numbers] = [new Shared(), new Numbers()];
  const placed: PlacedElement[] = [];
  for (const port of ports) {
    const seated = seat(port, numbers, earlier);
    for (const policy of ['Cluster', 'Local'] as const) {
      for (const endpoint of endpointsOf(port, policy)) shared.useEndpoint(endpoint, 1);
    }
    for (const frontend of port.frontends) {
      shared.useFrontend(frontend, 1);
      for (const element of frontendElements(frontend, seated)) {
        shared.useElement(element, 1);
        placed.push(element);
      }
      for (const { pool, policy } of poolsOf(frontend, port)) {
        placeRows(pool, frontendKey(frontend, port), seated.rows[policy], placed);
      }
    }
  }
  placed.push(...shared.settle().appeared);
  const { shape } = shared;
  const family = families[settings.family];
  const sets = [...staticSets(family), ...dynamicSets(shape, family)];
  const elements = new Map<string, Element[]>();
  for (const { name, dynamic } of sets) if (!dynamic) elements.set(name, []);
  for (const { set, element } of placed) elements.get(set)!.push(element);
  return { chains: chainsOf(settings, shape), sets, elements, shared, numbers };
}

export function seat(port: PortPlan, numbers: Numbers, earlier?: EarlierRows): SeatedPort {
  const rowsOf = (policy: TrafficPolicy): Rows => {
    const endpoints = endpointsOf(port, policy);
    return isSticky(port) ? numbers.assign(port, policy, endpoints, earlier) : endpoints;
  };
  return { port, rows: { Cluster: rowsOf('Cluster'), Local: rowsOf('Local') } };
}

function placeRows(pool: Pool, frontend: Buffer, rows: Rows, placed: PlacedElement[]): void {
  for (const [row, endpoint] of rows.entries()) {
    if (endpoint) placed.push(endpointElement(pool, frontend, row, endpoint));
  }
}

/** The program in words, chain by chain and set by set. */
export function formatProgram({ chains, sets, elements }: TableProgram, settings: TrafficSettings): string {
  const family = families[settings.family];
  const lines = [`table ${family.keyword} ${tableName} # ${tableComment}`];
  for (const { chain, rules } of chains) {
    const { base } = chain;
    lines.push('', `chain ${chain.name}${base ? ` # ${base.type} ${base.hook} ${base.priority}` : ''}`);
    lines.push(...rules.map((rule) => `  ${formatRule(rule)}`));
  }
  for (const { name, data, dynamic } of sets) {
    const filled = dynamic ? ` # filled by packets, up to ${dynamic.size}` : '';
    lines.push('', `${data === undefined ? 'set' : 'map'} ${name}${filled}`);
    lines.push(...(elements.get(name) ?? []).map((element) => `  ${formatElement(family, name, element)}`));
  }
  return `${lines.join('\n')}\n`;
}

export const formatRule = (rule: readonly Expression[]): string => rule.map(formatExpression).join('; ');
