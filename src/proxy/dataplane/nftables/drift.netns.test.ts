import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createKernel, runTool } from '../../../kernel/mod.ts';
import type { Kernel } from '../../../kernel/port.ts';
import { startProxy } from '../../mod.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { fakeInformers, service, slice } from '../../testing/objects.ts';
import { withoutNft } from '../../testing/without-nft.ts';

const real = createKernel();
const { watchNetlink: _, ...mute } = real;
const syncPeriodMs = 30_000;

const vandalism = {
  elements: ['flush', 'map', 'ip', 'signalbox', 'endpoints'],
  'rules of a chain': ['flush', 'chain', 'ip', 'signalbox', 'services'],
  'the whole table': ['delete', 'table', 'ip', 'signalbox'],
};

const ways: [how: string, kernel: Kernel, waitedMs: number][] = [
  ['at once, on the kernel’s word', real, 0],
  ['within a period, without a word', mute, syncPeriodMs],
];

for (const [what, words] of Object.entries(vandalism)) {
  for (const [how, kernel, waitedMs] of ways) {
    test(`Somebody removes ${what}: repaired ${how}`, { skip: withoutNft }, async (t) => {
      const netns = testNamespace(t);
      const nft = (...words: string[]) => runTool('nft', words, { netns });
      const clock = new ManualClock();
      const informers = fakeInformers();
      informers.services.put(service('web', '10.96.0.1'));
      informers.slices.put(slice('web', ['10.0.0.1', '10.0.0.2']));
      informers.services.sync();
      informers.slices.sync();
      const source = { informers };
      const proxy = startProxy({ source, nodeName: 'node1', kernel, clock, log: silentLogger, netns, syncPeriodMs });
      t.after(() => proxy.stop());
      await proxy.synced;
      const listed = nft('list', 'table', 'ip', 'signalbox');
      nft(...words);
      if (waitedMs > 0) {
        await clock.advance(waitedMs - 1);
        assert.equal(proxy.counters.repairs, 0, 'nobody has looked yet');
        await clock.advance(1);
      }
      while (proxy.counters.repairs === 0) await new Promise(setImmediate);
      assert.equal(nft('list', 'table', 'ip', 'signalbox'), listed);
    });
  }
}
