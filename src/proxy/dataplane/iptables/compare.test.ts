import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printRule, type TableName } from '../../../wire/iptables/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { compareAll, targetOf } from './compare.ts';
import { compileFixed } from './compile-fixed.ts';
import { compilePort } from './compile-port.ts';
import type { Edit, FoundRules } from './rule-table.ts';

const settings = trafficSettings();

/** A kernel that refuses what the real one refuses: a jump to a chain that is not there, and to lose one that is jumped to. */
class ChainsInMemory implements FoundRules {
  readonly tables = new Map<TableName, Map<string, string[]>>();

  constructor() {
    this.tables.set('filter', new Map(['INPUT', 'FORWARD', 'OUTPUT'].map((name) => [name, []])));
    this.tables.set('nat', new Map(['PREROUTING', 'OUTPUT', 'POSTROUTING'].map((name) => [name, []])));
    this.tables.set('mangle', new Map());
  }

  apply(edits: Iterable<Edit>): Edit[] {
    const applied: Edit[] = [];
    for (const edit of edits) {
      this.#apply(edit);
      this.#check();
      applied.push(edit);
    }
    return applied;
  }

  #apply(edit: Edit): void {
    const chains = this.tables.get(edit.table)!;
    const rules = chains.get(edit.chain);
    assert.equal(rules === undefined, edit.do === 'create', `${edit.do} ${edit.chain}`);
    if (edit.do === 'create') chains.set(edit.chain, edit.rules.map(printRule));
    else if (edit.do === 'delete') chains.delete(edit.chain);
    else if (edit.do === 'insert') rules!.splice(edit.at === 'start' ? 0 : rules!.length, 0, printRule(edit.rule));
    else if (edit.do === 'remove') assert.equal(rules!.splice(rules!.indexOf(edit.text), 1)[0], edit.text);
    else {
      assert.deepEqual(rules, edit.before);
      chains.set(edit.chain, edit.after.map(printRule));
    }
  }

  #check(): void {
    for (const chains of this.tables.values()) {
      for (const [chain, rules] of chains) {
        for (const text of rules) {
          const target = targetOf(text)!;
          assert.ok(!target?.startsWith('KUBE-') || chains.has(target), `${chain} jumps to ${target}`);
        }
      }
    }
  }
}

function wanted(endpoints: readonly number[]) {
  const ledger = new Ledger();
  for (const [service, count] of endpoints.entries()) {
    if (count >= 0) ledger.update(`default/s${service}`, drafts(service, count));
  }
  const ports = [...ledger.ports()].map((plan) => compilePort(plan, settings, { endpointComments: true }));
  return { fixed: compileFixed(settings), ports };
}

/** What somebody may do to a chain. */
const vandals: Readonly<Record<string, (rules: string[]) => void>> = {
  'empties it': (rules) => rules.splice(0),
  'doubles a rule': (rules) => rules.push(...rules.slice(0, 1)),
  'turns it round': (rules) => rules.reverse(),
  'adds a rule': (rules) => rules.unshift('-s 192.0.2.1/32 -j ACCEPT'),
};

/** Endpoints of each Service; -1: there is no such Service. */
const services = fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 5 });
const vandalism = fc.record({ chain: fc.nat(60), by: fc.constantFrom(...Object.keys(vandals)) });

test('From any state to any other: no step leads a packet to nowhere, and then there is nothing left to do', () => {
  fc.assert(
    fc.property(services, fc.array(vandalism, { maxLength: 3 }), services, (before, damage, after) => {
      const chains = new ChainsInMemory();
      chains.apply(compareAll(chains, wanted(before)));
      const all = [...chains.tables.values()].flatMap((table) => [...table.values()]);
      for (const { chain, by } of damage) vandals[by]!(all[chain % all.length]!);
      chains.apply(compareAll(structuredCopy(chains), wanted(after)));
      assert.deepEqual([...compareAll(chains, wanted(after))], []);
    }),
    { numRuns: 300 },
  );
});

test('On a cold start the ways from the built-in chains come last', () => {
  const chains = new ChainsInMemory();
  const edits = chains.apply(compareAll(chains, wanted([2, 0])));
  const isHook = ({ chain }: Edit) => !chain.startsWith('KUBE-');
  const firstHook = edits.findIndex(isHook);
  assert.ok(firstHook > 0);
  assert.ok(edits.slice(firstHook).every(isHook));
});

/** What was found stays as it was while the edits that follow from it are carried out. */
const structuredCopy = ({ tables }: FoundRules): FoundRules => ({ tables: structuredClone(tables) });
