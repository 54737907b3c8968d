import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  capacityOf,
  emptyPool,
  gatewayOf,
  type PoolState,
  parseCidr,
  releaseAddress,
  reserveAddress,
} from './address-pool.ts';

const range = parseCidr('10.244.1.0/24')!;
const small = parseCidr('10.0.0.8/29')!;

test('A range is read, or is none', () => {
  assert.deepEqual(range, { base: 0x0af40100, prefixLength: 24 });
  assert.equal(gatewayOf(range), '10.244.1.1');
  assert.equal(capacityOf(range), 253);
  assert.equal(parseCidr('255.255.255.0/24')?.base, 0xffffff00);
  for (const text of [
    '10.244.1.1/24',
    '10.244.1.0',
    '10.244.1/24',
    '10.244.256.0/24',
    '10.0.0.0/33',
    'fd00::/64',
    '',
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test('Addresses begin behind the gateway, end before the broadcast, and are given out in turn', () => {
  let state: PoolState = emptyPool;
  const take = (pod: string) => {
    const reserved = reserveAddress(small, state, pod);
    state = reserved.state;
    return reserved.address;
  };
  assert.deepEqual(['a', 'b', 'a'].map(take), ['10.0.0.10', '10.0.0.11', '10.0.0.10']);
  state = releaseAddress(state, 'a');
  assert.deepEqual(['c', 'd', 'e'].map(take), ['10.0.0.12', '10.0.0.13', '10.0.0.14']);
  assert.equal(take('f'), '10.0.0.10');
  assert.throws(() => take('g'), /Give a Pod an address: all 5 of 10\.0\.0\.8\/29 are in use/);
});

test('Law: never two Pods on one address, and one given back rests while any other is free', () => {
  const pods = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), pods), { maxLength: 60 }), (steps) => {
      let state: PoolState = emptyPool;
      let restingSince: string[] = [];
      for (const [takes, pod] of steps) {
        if (takes) {
          const isNew = state.byPod[pod] === undefined;
          const { address, state: next } = reserveAddress(small, state, pod);
          const untouched = 5 - new Set([...Object.values(state.byPod), ...restingSince]).size;
          if (isNew)
            assert.ok(untouched === 0 || !restingSince.includes(address), `${address} was used again too soon`);
          restingSince = restingSince.filter((other) => other !== address);
          state = next;
        } else {
          const released = state.byPod[pod];
          if (released !== undefined) restingSince.push(released);
          state = releaseAddress(state, pod);
        }
        const inUse = Object.values(state.byPod);
        assert.equal(new Set(inUse).size, inUse.length);
      }
    }),
  );
});
