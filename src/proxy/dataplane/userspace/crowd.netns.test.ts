import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { raiseFileLimit } from '../../../kernel/mod.ts';
import { TestNetwork } from '../../testing/network.ts';
import { PumpThread } from './pump-thread.ts';
import { TcpRelay } from './tcp-relay.ts';

/** A relayed connection takes two descriptors of this process, and some are needed besides; CI may allow 20,000. */
const count = Math.min(10_000, Math.floor((raiseFileLimit(64_000) - 200) / 2));
const program = new URL('./programs/crowd.ts', import.meta.url).pathname;
let network: TestNetwork;
const children: ChildProcess[] = [];

before(() => {
  network = new TestNetwork('crowd');
});

after(() => {
  for (const child of children) child.kill('SIGKILL');
  network?.destroy();
});

async function line(place: 'pod1' | 'pod2', ...words: string[]): Promise<string> {
  const netns = network.path(place);
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, program, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [text] = await once(createInterface(child.stdout!), 'line');
  return text;
}

test(`${count} connections are open at once, carry data, and leave nothing behind`, { timeout: 120_000 }, async () => {
  await line('pod1', 'serve', '9376');
  const netns = network.path('node');
  const pump = new PumpThread({ netns, connectionsLimit: count });
  const relay = new TcpRelay(pump, 'IPv4', netns);
  relay.update([{ address: '10.244.1.2', port: 9376 }], undefined);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, pump.connections);
  }, 10);
  const result = JSON.parse(await line('pod2', 'hold', '169.254.1.1', String(relay.port), String(count)));
  assert.deepEqual(result, { opened: count, echoed: count });
  assert.equal(most, count);
  while (pump.connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  clearInterval(watch);
  await pump.end();
});
