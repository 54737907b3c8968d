import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKernel, runTool } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { diff } from '../../diff/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import type { Written } from '../port.ts';
import { createIptablesDataplane } from './mod.ts';

for (const kind of ['nft', 'legacy'] as const) {
  test(`Rules are counted as the tool shows them (${kind})`, { skip: withoutIptables }, (t) => {
    const netns = testNamespace(t);
    const dataplane = createIptablesDataplane(createKernel(), { family: 'IPv4', netns, interface: kind });
    t.after(() => dataplane.close());
    dataplane.configure(trafficSettings({ localDetector: { kind: 'source-range', range: '10.0.0.0/9' } }));
    const ledger = new Ledger();
    const shown = (table: string) =>
      runTool(`iptables-${kind}-save`, ['-t', table], { netns })
        .split('\n')
        .filter((line) => line.startsWith('-A ')).length;
    const isShown = ({ rules = [] }: Written) => {
      assert.deepEqual(
        rules.map(({ table, total }) => [table, total]),
        [
          ['filter', shown('filter')],
          ['nat', shown('nat')],
        ],
      );
      return rules.map(({ written }) => written);
    };
    const update = (service: number, ...args: [] | [endpoints: number]) =>
      dataplane.apply(diff(ledger.update(`default/s${service}`, args.length === 0 ? [] : drafts(service, args[0]))));

    ledger.update('default/s1', drafts(1, 2));
    const first = dataplane.converge(dataplane.read(), ledger.ports());
    assert.deepEqual(
      isShown(first),
      first.rules?.map(({ total }) => total),
      'all of them are new',
    );
    assert.deepEqual(isShown(dataplane.converge(dataplane.read(), ledger.ports())), [0, 0], 'nothing is written again');
    const [filter, nat] = isShown(update(2, 3));
    assert.equal(filter, 0);
    assert.ok(nat! > 5);
    isShown(update(1, 1));
    isShown(update(1, 0));
    isShown(update(2));
    isShown(update(1));
  });
}
