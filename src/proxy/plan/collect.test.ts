import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice } from '../../kube/mod.ts';
import { slice, tcp } from '../testing/objects.ts';
import type { Candidates } from './candidates.ts';
import { Collector, collect } from './collect.ts';
import { endpointText } from './model.ts';

const node = { name: 'node1', family: 'IPv4' } as const;

const endpoint = fc.record({
  addresses: fc.tuple(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', 'nonsense')),
  conditions: fc.constantFrom({}, { ready: false }, { ready: false, serving: true, terminating: true }),
  nodeName: fc.constantFrom('node1', 'node2'),
});
const change = fc.record({
  name: fc.constantFrom('x', 'y', 'z'),
  endpoints: fc.option(fc.array(endpoint, { maxLength: 4 })),
  addressType: fc.constantFrom('IPv4' as const, 'IPv4' as const, 'IPv6' as const),
});

test('What is remembered of earlier slices makes no difference', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const gather = new Collector(0);
      const slices = new Map<string, EndpointSlice>();
      for (const { name, endpoints, addressType } of changes) {
        if (endpoints) slices.set(name, slice('web', endpoints, { name, addressType }));
        else slices.delete(name);
        const all = [...slices.values()];
        assert.deepEqual(
          meaning(gather.collect('default/web', all, tcp(80), node)),
          meaning(collect('', all, tcp(80), node)),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('Only slices that are new are read', () => {
  const gather = new Collector(1);
  const read: string[] = [];
  const watched = (name: string, address: string) =>
    new Proxy(slice('web', [address], { name }), {
      get(target, field, receiver) {
        if (field === 'ports') read.push(name);
        return Reflect.get(target, field, receiver);
      },
    });
  const [a, b] = [watched('a', '10.0.0.1'), watched('b', '10.0.0.2')];
  gather.collect('default/web', [a, b], tcp(80), node);
  gather.collect('default/web', [a, watched('c', '10.0.0.3')], tcp(80), node);
  assert.deepEqual(read, ['a', 'b', 'c']);
});

const meaning = ({ list, leftOut }: Candidates) => ({
  list: list.map((one) => JSON.stringify([endpointText(one.endpoint), one])).sort(),
  leftOut: leftOut.map((one) => JSON.stringify(one)).sort(),
});
