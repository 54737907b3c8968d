import type { Chain, Expression } from '../../../wire/nftables/mod.ts';
import type { TrafficSettings } from '../port.ts';
import { choosingChains } from './choose.ts';
import { type FamilyFacts, families, rangeOf } from './family.ts';
import { insideOf } from './pools.ts';
import type { SetName } from './sets.ts';
import type { Shape } from './shape.ts';
import {
  cameInBy,
  clearMarkBit,
  drop,
  type FieldsOfFamily,
  fieldsOf,
  fromThisNode,
  giveBack,
  goto,
  inRange,
  isIn,
  isInvalid,
  isNew,
  isProtocol,
  isRedirected,
  jump,
  lacksMarkBit,
  masquerade,
  outOfRange,
  rejectIcmp,
  resetTcp,
  setMarkBit,
  toThisNode,
} from './steps.ts';

/** The table's chains. README.md shows how a packet goes through them. */

/** Written into the table's comment. Another number there means that another version of this program laid it out. */
export const layoutVersion = 3;
export const tableName = 'signalbox';
export const tableComment = `signalbox service proxy, layout ${layoutVersion}`;

export interface ChainProgram {
  readonly chain: Chain;
  readonly rules: readonly Rule[];
}
export type Rule = readonly Expression[];

/** NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC, and as far before and behind as kube-proxy's nftables mode goes. */
const Priority = { beforeDnat: -110, dnat: -100, afterDnat: -90, snat: 100 } as const;

export function chainsOf(settings: TrafficSettings, shape: Shape): ChainProgram[] {
  const family = families[settings.family];
  const fields = fieldsOf(family);
  return [
    ...baseChains(settings, fields, family),
    ...refusingChains(settings, shape, fields, family),
    ...serviceChains(settings, fields, family),
    ...choosingChains(shape, fields, family),
    { chain: { name: 'masquerading' }, rules: masquerading(settings, fields) },
  ];
}

function baseChains(settings: TrafficSettings, fields: FieldsOfFamily, family: FamilyFacts): ChainProgram[] {
  const { beforeDnat, dnat, afterDnat, snat } = Priority;
  const nodePortEntries = nodePortAddresses(settings, fields, family).map((condition) => [
    ...isNew,
    ...condition,
    ...isIn('node-ports-0', fields.nodePort),
    goto('refuse'),
  ]);
  const invalid = settings.dropInvalid ? [[...isInvalid, drop]] : [];
  return [
    base('filter-prerouting', 'filter', 'prerouting', beforeDnat, [[...isNew, jump('before-services')]]),
    base('filter-output', 'filter', 'output', beforeDnat, [[...isNew, jump('before-services')]]),
    base('filter-input', 'filter', 'input', beforeDnat, nodePortEntries),
    base('filter-forward', 'filter', 'forward', beforeDnat, [...invalid, [...isNew, jump('not-redirected')]]),
    base('filter-output-post-dnat', 'filter', 'output', afterDnat, [[...isNew, jump('not-redirected')]]),
    base('nat-prerouting', 'nat', 'prerouting', dnat, [[jump('services')]]),
    base('nat-output', 'nat', 'output', dnat, [[jump('services')]]),
    base('nat-postrouting', 'nat', 'postrouting', snat, [[jump('masquerading')]]),
  ];
}

/** Conditions for a packet to be at an address where node ports answer; one after the other. Loopback never is. */
function nodePortAddresses(
  { nodePorts: { ranges } }: TrafficSettings,
  { destination }: FieldsOfFamily,
  { loopback }: FamilyFacts,
): Rule[] {
  const notLoopback = outOfRange(destination, loopback);
  if (ranges === undefined) return [notLoopback];
  return ranges.map((text) => {
    const range = rangeOf(text);
    return [...(range.length > 0 ? inRange(destination, range) : []), ...notLoopback];
  });
}

/** What comes of a packet that no endpoint gets. */
function refusingChains(
  settings: TrafficSettings,
  { sourceLengths }: Shape,
  fields: FieldsOfFamily,
  family: FamilyFacts,
): ChainProgram[] {
  const { destination, frontend, sourceNetwork } = fields;
  const sources = sourceLengths.map((length) => [
    ...isIn(`sources-${length}` satisfies SetName, [...frontend, sourceNetwork(length)]),
    giveBack,
  ]);
  return [
    {
      chain: { name: 'before-services' },
      rules: [
        [...isIn('firewalled', frontend), jump('check-source')],
        [...isIn('frontends-0', frontend), goto('refuse')],
      ],
    },
    { chain: { name: 'check-source' }, rules: [...sources, [drop]] },
    // What is still addressed to a VIP behind the redirection: other protocols and ports, and VIPs that nobody has.
    {
      chain: { name: 'not-redirected' },
      rules: [
        [...isProtocol(family.icmp), ...isIn('cluster-ips', [destination]), drop],
        [...isIn('cluster-ips', [destination]), goto('refuse')],
        ...settings.serviceRanges.map((range) => [...inRange(destination, rangeOf(range)), drop]),
      ],
    },
    { chain: { name: 'refuse' }, rules: [[...isProtocol('TCP'), resetTcp], [rejectIcmp(family)]] },
  ];
}

/** Which pool a packet draws from, and whether it is masqueraded. */
function serviceChains(settings: TrafficSettings, fields: FieldsOfFamily, family: FamilyFacts): ChainProgram[] {
  const { destination, frontend, nodePort } = fields;
  const toClusterIp = isIn('cluster-ips', [destination]);
  const setMark = setMarkBit(settings.masqueradeMark);
  const entries = nodePortAddresses(settings, fields, family).map((condition) => [
    ...toThisNode,
    ...condition,
    ...isIn('node-ports', nodePort),
    goto('external-node-ports'),
  ]);
  return [
    {
      chain: { name: 'services' },
      rules: [
        ...offCluster(settings, fields).map((condition) => [...toClusterIp, ...condition, ...setMark]),
        [...toClusterIp, goto('to-frontends')],
        // One of the node's own addresses may be an external IP, and node ports answer there all the same.
        [...isIn('external-ips', [destination]), jump('external-frontends')],
        ...entries,
      ],
    },
    ...(['frontends', 'node-ports'] as const).map((pool) => {
      const key = pool === 'frontends' ? frontend : nodePort;
      const inside = goto(`to-${insideOf(pool)}`);
      return {
        chain: { name: `external-${pool}` },
        rules: [
          ...fromPods(settings, fields).map((condition) => [...isIn(`local-${pool}`, key), ...condition, inside]),
          // A node that has the frontend's address itself may use it as its source.
          [...isIn(`local-${pool}`, key), ...fromThisNode, ...setMark, inside],
          [...isIn(`cluster-${pool}`, key), ...setMark],
          [goto(`to-${pool}`)],
        ],
      };
    }),
  ];
}

/** At most one condition: the client is no Pod, as far as one can tell. Several would be alternatives. */
function offCluster({ masqueradeAll, localDetector }: TrafficSettings, { source }: FieldsOfFamily): Rule[] {
  if (masqueradeAll) return [[]];
  switch (localDetector.kind) {
    case 'none':
      return [];
    case 'source-range':
      return [outOfRange(source, rangeOf(localDetector.range))];
    case 'bridge':
      return [cameInBy(localDetector.interface, { inverted: true })];
    case 'interface-prefix':
      return [cameInBy(localDetector.prefix, { isPrefix: true, inverted: true })];
  }
}

function fromPods({ localDetector }: TrafficSettings, { source }: FieldsOfFamily): Rule[] {
  switch (localDetector.kind) {
    case 'none':
      return [];
    case 'source-range':
      return [inRange(source, rangeOf(localDetector.range))];
    case 'bridge':
      return [cameInBy(localDetector.interface)];
    case 'interface-prefix':
      return [cameInBy(localDetector.prefix, { isPrefix: true })];
  }
}

function masquerading({ masqueradeMark, randomFully }: TrafficSettings, fields: FieldsOfFamily): Rule[] {
  const { source, destination } = fields;
  return [
    [...isRedirected, ...isIn('hairpins', [source, destination]), masquerade(randomFully)],
    [...lacksMarkBit(masqueradeMark), giveBack],
    [...clearMarkBit(masqueradeMark), masquerade(randomFully)],
  ];
}

function base(
  name: string,
  type: NonNullable<Chain['base']>['type'],
  hook: NonNullable<Chain['base']>['hook'],
  priority: number,
  rules: readonly Rule[],
): ChainProgram {
  return { chain: { name, base: { type, hook, priority } }, rules };
}
