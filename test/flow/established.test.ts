import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeText, type Packet, trace } from '../../src/trace/mod.ts';
import { planScenario } from './plan-scenario.ts';
import type { Scenario } from './scenario.ts';
import { subjects } from './subjects.ts';

/** Packets that do not begin a connection: no scenario with real clients sends them at will. */
const scenario: Scenario = { title: 'established', endpoints: ['pod2'], flows: [] };

const answer: Packet = {
  source: '10.244.1.3',
  sourcePort: 9376,
  destination: '172.30.1.2',
  destinationPort: 40_000,
  protocol: 'TCP',
  inInterface: 'pod2',
};

const node = {
  interfaces: [
    { name: 'lo', index: 1, addresses: ['127.0.0.1/8'] },
    { name: 'outside', index: 2, addresses: ['172.30.1.1/24'] },
  ],
  routes: [{ destination: '0.0.0.0/0', interface: 'outside' }],
};

for (const { name, compile } of subjects) {
  if (compile === undefined) continue;
  const endOf = (state: Packet['state'], settings: Scenario['settings'], changes: Partial<Packet> = {}): string => {
    const { ports, settings: traffic } = planScenario({ ...scenario, ...(settings && { settings }) }, 'IPv4');
    const { outcomes } = trace(compile(ports, traffic), { ...answer, ...changes, state }, node);
    assert.equal(outcomes.length, 1);
    return outcomeText(outcomes[0]!);
  };

  test(`${name}: a packet that conntrack calls INVALID is not forwarded, unless the operator says so`, () => {
    assert.match(endOf('INVALID', {}), /^dropped by /);
    assert.equal(endOf('INVALID', { conntrackTcpBeLiberal: true }), '172.30.1.2:40000 by outside');
  });

  test(`${name}: the packets of a connection that is there pass untouched, also to a frontend without endpoints`, () => {
    assert.equal(endOf('ESTABLISHED', {}), '172.30.1.2:40000 by outside');
    assert.equal(endOf('RELATED', {}), '172.30.1.2:40000 by outside');
    const toExternal = { destination: '192.0.2.10', destinationPort: 80 };
    assert.equal(endOf('ESTABLISHED', {}, toExternal), '192.0.2.10:80 by outside');
  });
}
