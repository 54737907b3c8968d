import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createKernel, createNetns, deleteNetns, type NetlinkSocket, runTool } from '../../kernel/mod.ts';
import { type Family, parseSave, printRestore, printRule, type Rule } from '../iptables/mod.ts';
import { anyRule } from '../iptables/testing/any-rule.ts';
import { withoutIptables } from '../iptables/testing/without-iptables.ts';
import { decodeAnswer, decodeAttributeList, decodeAttributes } from '../netlink/mod.ts';
import { decodeRule, requestTableRules, XtBatch } from './mod.ts';

/** Rules of all forms that the proxy writes, and many that it does not, against the tools that set the standard. */
const chain = 'KUBE-X';
const rulesPerFamily = 300;

let made = 0;

interface Place {
  readonly netns: string;
  readonly socket: NetlinkSocket;
}

function place(t: TestContext): Place {
  const name = `t-ipt-wire-${process.pid}-${++made}`;
  const netns = createNetns(name);
  const socket = createKernel().openNetlink('netfilter', { netns });
  t.after(() => {
    socket.close();
    deleteNetns(name);
  });
  return { netns, socket };
}

const command = (family: Family, kind: 'nft' | 'legacy', what: string): string =>
  `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${kind}-${what}`;

function restore({ netns }: Place, family: Family, kind: 'nft' | 'legacy', rules: readonly Rule[]): void {
  const chains = ['KUBE-MARK-MASQ', chain];
  // Without a mask, as kube-proxy calls the tool: spelled out, it makes other bytes of the same meaning.
  const commands = rules.map((rule) => `-A ${chain} ${printRule(rule).replace(/ --mask \S+ --rsource/, '')}`);
  const input = printRestore([{ name: 'nat', chains, commands }]);
  runTool(command(family, kind, 'restore'), ['--noflush'], { netns, input });
}

function save({ netns }: Place, family: Family, kind: 'nft' | 'legacy'): string[] {
  const [table] = parseSave(runTool(command(family, kind, 'save'), ['-t', 'nat'], { netns }));
  return table!.chains.get(chain)!.rules.map(printRule);
}

function write({ socket }: Place, family: Family, rules: readonly Rule[]): void {
  const batch = new XtBatch(family, 1);
  batch.addTable('nat');
  batch.addChain('nat', 'KUBE-MARK-MASQ');
  batch.addChain('nat', chain);
  for (const rule of rules) batch.addRule('nat', chain, rule, { at: 'end' }, false);
  assert.deepEqual(decodeAnswer(socket.exchange(batch.finish())).errors, []);
}

/** The expressions of each rule, byte for byte, as name and attributes. */
function dumpBytes({ socket }: Place, family: Family): string[] {
  const { messages } = decodeAnswer(socket.exchange(requestTableRules(family, 'nat', 1, chain)));
  return messages.map(({ payload }) =>
    decodeAttributes(payload.subarray(4))
      .list(4)
      .map(({ data }) =>
        decodeAttributeList(data)
          .map((one) => one.data.toString('hex'))
          .join(' '),
      )
      .join('\n'),
  );
}

/** REJECT is for the filter table only, and the kernel knows no reset or redirect without a protocol. */
const isForNat = (rule: Rule): boolean => rule.target?.kind !== 'REJECT';

function sampleRules(family: Family): Rule[] {
  return fc.sample(anyRule(family).filter(isForNat), { numRuns: rulesPerFamily, seed: 7 });
}

for (const family of ['IPv4', 'IPv6'] as const) {
  describe(`${rulesPerFamily} ${family} rules`, { skip: withoutIptables }, () => {
    const rules = sampleRules(family);
    const texts = rules.map(printRule);

    test('What we print is what the tools print, on both interfaces', (t) => {
      const there = place(t);
      for (const kind of ['nft', 'legacy'] as const) {
        restore(there, family, kind, rules);
        assert.deepEqual(save(there, family, kind), texts);
      }
    });

    test('What we write by netlink is byte for byte what iptables-nft writes', (t) => {
      const [theirs, ours] = [place(t), place(t)];
      restore(theirs, family, 'nft', rules);
      write(ours, family, rules);
      const [expected, written] = [dumpBytes(theirs, family), dumpBytes(ours, family)];
      assert.equal(written.length, rules.length);
      for (const [index, text] of texts.entries()) assert.equal(written[index], expected[index], text);
      assert.deepEqual(save(ours, family, 'nft'), texts);
    });

    test('What we read back is what we wrote', (t) => {
      const there = place(t);
      write(there, family, rules);
      const { messages } = decodeAnswer(there.socket.exchange(requestTableRules(family, 'nat', 1, chain)));
      const read = messages.map(({ payload }) => decodeRule(payload, family));
      assert.deepEqual(
        read.map(({ rule }) => printRule(rule)),
        texts,
      );
      assert.equal(new Set(read.map(({ handle }) => handle)).size, rules.length);
    });
  });
}

test('A rule that iptables did not write is read as foreign, not guessed at', { skip: withoutIptables }, (t) => {
  const there = place(t);
  write(there, 'IPv4', []);
  runTool('nft', ['add', 'rule', 'ip', 'nat', chain, 'ip', 'daddr', '{ 10.0.0.1, 10.0.0.2 }', 'accept'], there);
  const { messages } = decodeAnswer(there.socket.exchange(requestTableRules('IPv4', 'nat', 1, chain)));
  const { rule } = decodeRule(messages[0]!.payload, 'IPv4');
  assert.equal(printRule(rule), '-m nft-lookup -j ACCEPT');
});
