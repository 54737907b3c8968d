import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { withNetns } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import type { PortPlan, Route } from '../../plan/mod.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { createUserspaceDataplane } from './mod.ts';

const route: Route = { policy: 'Cluster', verdict: 'forward' };

function plan(protocol: 'TCP' | 'UDP', port: number): PortPlan {
  return {
    name: { service: 'default/web', port: '', protocol },
    family: 'IPv6',
    since: '2026-01-01T00:00:00Z',
    frontends: [
      { kind: 'cluster-ip', address: 'fd00:96::10', port: 80 },
      { kind: 'node-port', port: 30080 },
    ],
    refused: [],
    internal: route,
    external: route,
    cluster: { id: 1, endpoints: [{ address: 'fd00:244::2', port, local: true }], leftOut: [] },
  };
}

/** Everything on one machine: the node, a Pod's address on its `lo`, and clients of its own. */
test('IPv6: TCP and UDP by cluster IP and node port', { skip: withoutIptables }, async (t) => {
  const netns = testNamespace(t);
  const run = (...[program, ...words]: string[]) =>
    withNetns(netns, () => execFileSync(program!, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
  for (const device of ['eth0', 'eth1']) run('ip', 'link', 'set', device, 'up');
  run('ip', 'addr', 'add', 'fd00:30::1/64', 'dev', 'eth0', 'nodad');
  run('ip', 'addr', 'add', 'fd00:244::2/128', 'dev', 'lo', 'nodad');
  run('ip', '-6', 'route', 'add', 'default', 'dev', 'eth0');

  const peer = withNetns(netns, () =>
    spawn(process.execPath, ['-e', peerProgram], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  t.after(() => peer.kill('SIGKILL'));
  const lines = createInterface(peer.stdout)[Symbol.asyncIterator]();
  const ports = JSON.parse((await lines.next()).value!);
  const dataplane = createUserspaceDataplane({ family: 'IPv6', clock: systemClock, log: silentLogger, netns });
  t.after(() => dataplane.close());
  dataplane.configure({
    family: 'IPv6',
    masqueradeMark: 0x4000,
    masqueradeAll: false,
    randomFully: false,
    localDetector: { kind: 'none' },
    nodePorts: { localhost: false },
    dropInvalid: false,
    serviceRanges: [],
  });
  dataplane.converge(dataplane.read(), [plan('TCP', ports.tcp), plan('UDP', ports.udp)]);
  for (const [protocol, address, port] of [
    ['TCP', 'fd00:96::10', 80],
    ['UDP', 'fd00:96::10', 80],
    ['TCP', 'fd00:30::1', 30080],
    ['UDP', 'fd00:30::1', 30080],
  ]) {
    peer.stdin.write(`${JSON.stringify({ protocol, address, port })}\n`);
    assert.equal((await lines.next()).value, `${protocol} pod`, `${protocol} ${address}`);
  }
  assert.equal(dataplane.mayHaveDrifted(), false);
  peer.stdin.end();
  await once(peer, 'exit');
});

/** A Pod that says `TCP pod` or `UDP pod`, and a client that prints what it is told. */
const peerProgram = `
  const net = require('node:net'), dgram = require('node:dgram'), { createInterface } = require('node:readline');
  const server = net.createServer((socket) => socket.end('TCP pod')).listen(0, 'fd00:244::2');
  const udp = dgram.createSocket('udp6', (_, { address, port }) => udp.send('UDP pod', port, address)).bind(0, 'fd00:244::2');
const ready = (one) => new Promise((resolve) => one.on('listening', resolve));
  void Promise.all([ready(server), ready(udp)]).then(() => console.log(JSON.stringify({ tcp: server.address().port, udp: udp.address().port })));
  createInterface(process.stdin).on('line', (line) => {
    const { protocol, address, port } = JSON.parse(line);
    if (protocol === 'TCP') net.connect(port, address).on('data', (data) => console.log(String(data))).on('error', (error) => console.log(error.code));
    else {
      const client = dgram.createSocket('udp6', (data) => { console.log(String(data)); client.close(); });
      client.send('hello', port, address);
    }
  }).on('close', () => process.exit());
`;
