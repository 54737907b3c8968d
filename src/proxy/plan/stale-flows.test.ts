import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../kube/mod.ts';
import { service, slice, tcp, udp } from '../testing/objects.ts';
import { Ledger } from './ledger.ts';
import { endpointText, frontendText } from './model.ts';
import { planService } from './plan-service.ts';
import { type StaleFlow, staleFlows } from './stale-flows.ts';

const node = { name: 'node1', family: 'IPv4', zone: 'a' } as const;
type SliceEndpoint = EndpointSlice['endpoints'][number];
type State = { readonly service?: Partial<Service['spec']>; readonly endpoints?: (string | SliceEndpoint)[] } | 'gone';

const serving = (address: string): SliceEndpoint => ({
  addresses: [address],
  conditions: { ready: false, serving: true, terminating: true },
});
const dead = (address: string): SliceEndpoint => ({
  addresses: [address],
  conditions: { ready: false, serving: false, terminating: true },
});
const zoned = (address: string, zone: string): SliceEndpoint => ({
  addresses: [address],
  hints: { forZones: [{ name: zone }] },
});
const ports = [udp(53, { nodePort: 30053 })];
const slicePorts = [{ name: '', protocol: 'UDP', port: 53 }];

/** What turns stale by the last step. */
function stale(...states: State[]): string[] {
  const ledger = new Ledger();
  let pairs: ReturnType<Ledger['update']> = [];
  for (const state of states) {
    const [object, slices] =
      state === 'gone'
        ? [undefined, []]
        : [
            service('dns', '10.96.0.10', { ports, ...(state.service && { spec: state.service }) }),
            state.endpoints ? [slice('dns', state.endpoints, { ports: slicePorts })] : [],
          ];
    pairs = ledger.update('default/dns', object ? planService(object, slices, node).ports : []);
  }
  return staleFlows(pairs).map(text).sort();
}

const text = ({ protocol, frontend, endpoint }: StaleFlow): string =>
  `${frontendText(frontend, protocol)} ${typeof endpoint === 'string' ? endpoint : endpointText(endpoint)}`;

const two: State = { endpoints: ['10.0.0.1', '10.0.0.2'] };
const both = (endpoint: string) => [`*:30053/UDP ${endpoint}`, `10.96.0.10:53/UDP ${endpoint}`];

const cases: [what: string, states: State[], expected: string[]][] = [
  ['nothing changed', [two, two], []],
  ['an endpoint more', [{ endpoints: ['10.0.0.1'] }, two], []],
  ['an endpoint gone', [two, { endpoints: ['10.0.0.1'] }], both('10.0.0.2:53')],
  ['scaled to zero', [two, { endpoints: [] }], [...both('10.0.0.1:53'), ...both('10.0.0.2:53')].sort()],
  ['all slices gone', [{ endpoints: ['10.0.0.1'] }, {}], both('10.0.0.1:53')],
  ['the Service deleted', [two, 'gone'], both('any')],
  ['the Service turned headless', [two, { service: { clusterIP: 'None', clusterIPs: ['None'] } }], both('any')],
  [
    'an endpoint that terminates and serves keeps its flows',
    [two, { endpoints: ['10.0.0.1', serving('10.0.0.2')] }],
    [],
  ],
  [
    'and loses them when it serves no more',
    [two, { endpoints: ['10.0.0.1', serving('10.0.0.2')] }, { endpoints: ['10.0.0.1', dead('10.0.0.2')] }],
    both('10.0.0.2:53'),
  ],
  ['an endpoint turned not serving', [two, { endpoints: ['10.0.0.1', dead('10.0.0.2')] }], both('10.0.0.2:53')],
  [
    'an endpoint that hints take away keeps its flows',
    [two, { endpoints: [zoned('10.0.0.1', 'a'), zoned('10.0.0.2', 'b')] }],
    [],
  ],
  ['the first endpoint: what went nowhere until now', [{ endpoints: [] }, two], both('none')],
  ['a new Service with endpoints: what went past it', [two], both('none')],
  ['a new Service without endpoints', [{ endpoints: [] }], []],
  [
    'a node port changed',
    [two, { ...two, service: { ports: [udp(53, { nodePort: 30054 })] } }],
    ['*:30053/UDP any', '*:30054/UDP none'],
  ],
  ['policies do not touch flows', [two, { ...two, service: { internalTrafficPolicy: 'Local' } }], []],
  [
    'another protocol, of which only unanswered ones are meant',
    [{ ...two, service: { ports: [tcp(53)] } }, 'gone'],
    ['10.96.0.10:53/TCP any'],
  ],
];
for (const [what, states, expected] of cases) {
  test(`Stale flows: ${what}`, () => assert.deepEqual(stale(...states), expected));
}

test('Stale flows: a frontend that changes hands is stale for the one and new for the other', () => {
  const ledger = new Ledger();
  const draft = (name: string, endpoint: string) =>
    planService(
      service(name, '10.96.0.10', { ports: [udp(53)] }),
      [slice(name, [endpoint], { ports: slicePorts })],
      node,
    ).ports;
  ledger.update('default/a', draft('a', '10.0.0.1'));
  ledger.update('default/b', draft('b', '10.0.0.2'));
  const pairs = ledger.update('default/a', []);
  assert.deepEqual(staleFlows(pairs).map(text), ['10.96.0.10:53/UDP any', '10.96.0.10:53/UDP none']);
});
