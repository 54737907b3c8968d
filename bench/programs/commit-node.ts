/**
 * Loads a cluster into iptables' tables in nf_tables and times single transactions on them.
 * usage: node commit-node.ts '{"services":1000,"endpoints":2,"repetitions":20}'
 */
import { setTimeout } from 'node:timers/promises';
import { createKernel, createNetns, deleteNetns, type NetlinkSocket } from '../../src/kernel/mod.ts';
import { createIptablesDataplane } from '../../src/proxy/dataplane/iptables/mod.ts';
import { Ledger } from '../../src/proxy/plan/mod.ts';
import type { PortDraft } from '../../src/proxy/plan/model.ts';
import { drafts } from '../../src/proxy/testing/drafts.ts';
import { trafficSettings } from '../../src/proxy/testing/fake-dataplane.ts';
import type { Rule } from '../../src/wire/iptables/mod.ts';
import { decodeAnswer } from '../../src/wire/netlink/mod.ts';
import { decodeRule, requestTableRules, XtBatch } from '../../src/wire/xtables/mod.ts';

export interface CommitTask {
  readonly services: number;
  readonly endpoints: number;
  readonly repetitions: number;
}

/** Microseconds of each repetition, by what the transaction was. */
export type CommitReport = Readonly<Record<string, readonly number[]>>;

/** Long enough for the kernel to be done with what the transaction before removed (an RCU grace period). */
const quietMs = 30;

/** No rule leads to it. */
const aside = 'KUBE-ASIDE';

const plain: Rule = { destination: { address: '192.0.2.1', length: 32 }, matches: [] };
const jump: Rule = { matches: [], target: { kind: 'jump', chain: 'KUBE-MARK-MASQ' } };
const dnat: Rule = {
  protocol: { name: 'tcp' },
  matches: [{ kind: 'ports', protocol: 'tcp' }],
  target: { kind: 'DNAT', address: '192.0.2.1', port: 80 },
};
const ret: Rule = { matches: [], target: { kind: 'RETURN' } };

const task = JSON.parse(process.argv[2]!) as CommitTask;
const namespace = `t-bench-commit-${process.pid}`;
const netns = createNetns(namespace);
try {
  console.log(JSON.stringify(await run(task)));
} finally {
  deleteNetns(namespace);
}

async function run({ services, endpoints, repetitions }: CommitTask): Promise<CommitReport> {
  const kernel = createKernel();
  load(services, endpoints);
  const socket = kernel.openNetlink('netfilter', { netns });
  const commit = (fill: (batch: XtBatch) => void) => {
    const batch = new XtBatch('IPv4', 1);
    fill(batch);
    const bytes = batch.finish();
    const started = performance.now();
    const { errors } = decodeAnswer(socket.exchange(bytes));
    const us = (performance.now() - started) * 1000;
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    return us;
  };
  for (const table of ['nat', 'filter']) commit((batch) => batch.addChain(table, aside));
  const empty = (table: string) => commit((batch) => batch.flushChain(table, aside));
  const deleted: number[] = [];
  const report: Record<string, number[]> = { 'rules deleted': deleted };
  const time = async (name: string, table: string, rule: Rule) => {
    report[name] = [];
    for (let i = 0; i < repetitions; i++) {
      await setTimeout(quietMs);
      report[name].push(commit((batch) => batch.addRule(table, aside, rule, { at: 'end' }, false)));
    }
    await setTimeout(quietMs);
    deleted.push(empty(table));
  };
  await time('rule without jump or extension', 'nat', plain);
  await time('rule that returns', 'nat', ret);
  await time('rule that jumps', 'nat', jump);
  await time('rule with DNAT', 'nat', dnat);
  await time('rule that returns, in table filter', 'filter', ret);
  commit((batch) => {
    for (const chain of ['OUTPUT', 'PREROUTING']) {
      for (const handle of handlesOf(socket, chain)) batch.deleteRule('nat', chain, handle);
    }
  });
  await time('rule that returns, Services in no hook', 'nat', ret);
  socket.close();
  return report;
}

function load(services: number, endpoints: number): void {
  const ledger = new Ledger();
  for (let i = 0; i < services; i++) ledger.update(`default/s${i}`, drafts(i, endpoints).map(withoutNodePort));
  const dataplane = createIptablesDataplane(createKernel(), { family: 'IPv4', netns, interface: 'nft' });
  dataplane.configure(trafficSettings({ localDetector: { kind: 'source-range', range: '10.128.0.0/9' } }));
  dataplane.converge(dataplane.read(), ledger.ports());
  dataplane.close();
}

function withoutNodePort(draft: PortDraft): PortDraft {
  return { ...draft, frontends: draft.frontends.filter(({ kind }) => kind === 'cluster-ip') };
}

function handlesOf(socket: NetlinkSocket, chain: string): number[] {
  const { messages } = decodeAnswer(socket.exchange(requestTableRules('IPv4', 'nat', 1, chain)));
  return messages.map(({ payload }) => decodeRule(payload, 'IPv4').handle);
}
