import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice } from '../../kube/mod.ts';
import { encodeAddress } from '../../wire/dns/mod.ts';
import { addressBytes, addressText, type EndpointFacts, sliceFacts } from './facts.ts';

const endpointsOf = (podNames: boolean, ...endpoints: object[]): readonly EndpointFacts[] =>
  sliceFacts(
    {
      metadata: { name: 'web-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
      endpoints,
    } as unknown as EndpointSlice,
    podNames,
  )!.endpoints;

const octet = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map(String),
  fc.constantFrom('', '00', '01', '1e', '+1', ' 1', 'x'),
);

test('an address is read as the codec reads it, or is none to either', () => {
  const almostIPv4 = fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join('.'));
  const texts = fc.oneof(fc.ipV4(), fc.ipV6(), almostIPv4, fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(texts, (text) => {
      const [found] = endpointsOf(false, { addresses: [text] });
      const bytes = encodeAddress(text);
      assert.deepEqual(found && [...addressBytes(found.address)], bytes && [...bytes]);
    }),
    { numRuns: 2000 },
  );
});

test('an endpoint is called by its hostname, its Pod, or its address as it is written', () => {
  const targetRef = { kind: 'Pod', name: 'Web-0' };
  const names = (podNames: boolean) =>
    endpointsOf(
      podNames,
      { addresses: ['10.0.0.1'], hostname: 'DB-0' },
      { addresses: ['10.0.0.2'], targetRef },
      { addresses: ['fd00:0::1', '255.0.0.10'] },
    ).map(({ hostname }) => hostname);
  assert.deepEqual(names(false), ['db-0', '10-0-0-2', 'fd00-0--1', '255-0-0-10']);
  assert.deepEqual(names(true), ['db-0', 'web-0', 'fd00-0--1', '255-0-0-10']);
});

test('an address has its text back', () => {
  const [found] = endpointsOf(false, { addresses: ['10.244.1.7'] });
  assert.equal(addressText(found!.address), '10.244.1.7');
});
