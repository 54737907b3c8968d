import type { FamilyFacts } from './family.ts';
import type { ChainProgram, Rule } from './layout.ts';
import { endpointsMap, isInside, type KeyKind, keyKindOf, type Pool, pools } from './pools.ts';
import type { ClientsSet, DynamicSet, StaticSet } from './sets.ts';
import { numbersPerBlock, type Shape } from './shape.ts';
import {
  anyRow,
  drop,
  type FieldsOfFamily,
  forget,
  goto,
  isIn,
  jump,
  onceIn,
  redirect,
  remember,
  row,
} from './steps.ts';

/**
 * The chains that choose an endpoint out of a pool. There is a rule for each number of endpoints that occurs, because the
 * kernel wants to be told in the rule how many there are to draw from.
 */
export function choosingChains(shape: Shape, fields: FieldsOfFamily, family: FamilyFacts): ChainProgram[] {
  return pools.flatMap((pool) => poolChains(pool, shape, fields, family));
}

function poolChains(pool: Pool, shape: Shape, fields: FieldsOfFamily, family: FamilyFacts): ChainProgram[] {
  const kind = keyKindOf(pool);
  const key = kind === 'frontend' ? fields.frontend : fields.nodePort;
  const { drawn, sticky } = shape.pools[pool];
  const from = (choice: Parameters<typeof redirect>[3]) => redirect(family, endpointsMap(pool), key, choice);
  const numbers = Math.max(0, ...sticky);
  return [
    {
      chain: { name: `to-${pool}` },
      rules: [
        ...sticky.map((rows) => [
          ...isIn(`sticky-${pool}-${rows}` satisfies DynamicSet, key),
          goto(`to-sticky-${pool}-${rows}`),
        ]),
        ...drawn.map((count) => [...isIn(`${pool}-${count}` satisfies DynamicSet, key), ...from(anyRow(count))]),
        // A packet that sees the sets before a change and the endpoints after it may miss its row; the first is there as
        // long as any is.
        from(row(0)),
        ...(isInside(pool) ? [] : [[...isIn(`dropped-${pool}` as StaticSet, key), drop]]),
      ],
    },
    ...sticky.flatMap((rows) => stickyChains(pool, rows, fields)),
    ...Array.from({ length: numbers }, (_, number) => ({
      chain: { name: numberedChain(pool, number) },
      rules: [
        ...rememberRules(kind, number, shape, fields),
        from(row(number)),
        ...clientsSetsOf(kind, number, shape).map((set) => forget(set, [...key, fields.source])),
      ],
    })),
  ];
}

/** Returns when nobody has the number (any more); the client is forgotten then. */
const numberedChain = (pool: Pool, number: number): string => `to-${pool}-number-${number}`;

/** By the last digit of the endpoint's number and, where there are more than one block of numbers, by the block. */
const clientsSet = (kind: KeyKind, number: number): ClientsSet => `${kind}-clients-${number % numbersPerBlock}`;
const blockSet = (kind: KeyKind, block: number): ClientsSet => `${kind}-clients-block-${block}`;

function clientsSetsOf(kind: KeyKind, number: number, { clientNumbers }: Shape): ClientsSet[] {
  const block = Math.floor(number / numbersPerBlock);
  return [clientsSet(kind, number), ...(clientNumbers[kind] > numbersPerBlock ? [blockSet(kind, block)] : [])];
}

/**
 * With affinity, an endpoint has a number that it keeps while it lives: who came before goes where it went, who is new
 * draws. A number may be nobody's; the draw then goes on behind it, begins anew, and in the end takes whoever is there.
 */
function stickyChains(pool: Pool, rows: number, { frontend, nodePort, source }: FieldsOfFamily): ChainProgram[] {
  const kind = keyKindOf(pool);
  const key = kind === 'frontend' ? frontend : nodePort;
  const name = `to-sticky-${pool}-${rows}`;
  const numbers = Array.from({ length: rows }, (_, number) => number);
  const blocks = Array.from({ length: Math.ceil(rows / numbersPerBlock) }, (_, block) => block);
  const to = (number: number) => jump(numberedChain(pool, number));
  const known = (from: readonly number[]): Rule[] =>
    from.map((number) => [...isIn(clientsSet(kind, number), [...key, source]), to(number)]);
  const draw = numbers.map((number) => [...onceIn(rows - number), to(number)]);
  const isOneBlock = blocks.length === 1;
  const byBlock = blocks.map((block) => [
    ...isIn(blockSet(kind, block), [...key, source]),
    jump(`${name}-block-${block}`),
  ]);
  return [
    {
      chain: { name },
      rules: [...(isOneBlock ? known(numbers) : byBlock), ...draw, ...draw, ...numbers.map((number) => [to(number)])],
    },
    ...(isOneBlock ? [] : blocks).map((block) => ({
      chain: { name: `${name}-block-${block}` },
      rules: known(numbers.slice(block * numbersPerBlock, (block + 1) * numbersPerBlock)),
    })),
  ];
}

function rememberRules(kind: KeyKind, number: number, shape: Shape, fields: FieldsOfFamily): Rule[] {
  const key = kind === 'frontend' ? fields.frontend : fields.nodePort;
  return shape.affinitySeconds[kind].flatMap((seconds) =>
    clientsSetsOf(kind, number, shape).map((set) => [
      ...isIn(`${kind}-affinity-${seconds}` satisfies DynamicSet, key),
      ...remember(set, [...key, fields.source], seconds * 1000),
    ]),
  );
}
