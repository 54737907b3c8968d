import { EndpointSlice, Endpoints } from '../mod.ts';
import { testCases } from './validation-case.ts';

const slice = (fields: object = {}) => ({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ...fields });

testCases([
  { name: 'a good one', resource: EndpointSlice, object: slice({ ports: [{ port: 80 }] }), errors: [] },
  {
    name: 'an endpoint nowhere',
    resource: EndpointSlice,
    object: slice({ endpoints: [{ addresses: [] }] }),
    errors: ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  },
  {
    name: 'an address of another family',
    resource: EndpointSlice,
    object: slice({ endpoints: [{ addresses: ['fd00::1'] }] }),
    errors: ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address, (e.g. 10.9.8.7)'],
  },
  {
    name: 'endpoints too many',
    resource: EndpointSlice,
    object: slice({ endpoints: Array(1001).fill({ addresses: ['10.0.0.1'] }) }),
    errors: ['endpoints: Too many: 1001: must have at most 1000 items'],
  },
  {
    name: 'ports too many',
    resource: EndpointSlice,
    object: slice({ ports: Array.from({ length: 101 }, (_, port) => ({ name: `p${port}`, port: port + 1 })) }),
    errors: ['ports: Too many: 101: must have at most 100 items'],
  },
  {
    name: 'a port name twice',
    resource: EndpointSlice,
    object: slice({ ports: [{ port: 1 }, { port: 2 }] }),
    errors: ['ports[1].name: Duplicate value: ""'],
  },
  {
    name: 'a protocol unheard of',
    resource: EndpointSlice,
    object: slice({ ports: [{ port: 1, protocol: 'X' }] }),
    errors: ['ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
  },
  {
    name: 'another family',
    resource: EndpointSlice,
    before: slice(),
    object: { addressType: 'IPv6', endpoints: [] },
    errors: ['addressType: Invalid value: "IPv6": field is immutable'],
  },
  {
    name: 'an empty subset',
    resource: Endpoints,
    object: { subsets: [{}] },
    errors: ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
  },
  {
    name: 'a loopback address',
    resource: Endpoints,
    object: { subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 0 }] }] },
    errors: [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  },
]);
