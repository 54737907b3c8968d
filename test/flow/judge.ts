import assert from 'node:assert/strict';
import { messageOf } from '../../src/base/errors.ts';
import { runTool } from '../../src/kernel/mod.ts';
import type { Family } from '../../src/proxy/plan/mod.ts';
import { addresses, type Place, type TestNetwork } from '../../src/proxy/testing/network.ts';
import {
  type BaseChain,
  formatTrace,
  type Memory,
  type NodeState,
  type Outcome,
  type Packet,
  trace,
} from '../../src/trace/mod.ts';
import {
  type Expected,
  type ExpectedEnd,
  endpointPort,
  endpointPorts,
  type Flow,
  type FlowProtocol,
  targets,
} from './scenario.ts';

/** The address that a client has of its own accord when it connects there. */
export function sourceOf({ client, target }: Flow, family: Family): string {
  const at = targets[family];
  const isOwn = client === 'node' && (target === 'node' || target === 'gateway' || target === 'localhost');
  return isOwn ? at[target] : addresses[client][family];
}

/** What a flow does not say itself. */
export interface Circumstances {
  readonly family: Family;
  readonly protocol: FlowProtocol;
  /** Masqueraded ports are to be chosen at random (`--random-fully`). */
  readonly randomFully: boolean;
}

/** Evaluates rules for the flow. Throws AssertionError, with the whole trace in it, when they do not do what is expected. */
export function judgeRules(
  chains: readonly BaseChain[],
  node: NodeState,
  flow: Flow,
  circumstances: Circumstances,
): void {
  const { family } = circumstances;
  const packet: Packet = {
    source: sourceOf(flow, family),
    sourcePort: 40_000,
    destination: targets[family][flow.target],
    destinationPort: flow.port,
    protocol: flow.protocol ?? circumstances.protocol,
    ...(flow.client !== 'node' && { inInterface: flow.client }),
  };
  const outcomes = tell(chains, packet, node, circumstances);
  assert.deepEqual(outcomes.told, expectedOf(flow.expected), outcomes.text);
  if (flow.expected.kind !== 'reaches' || !flow.expected.sticks || flow.expected.relayed) return;
  for (const { memory, ...first } of outcomes.list) {
    const next = tell(chains, { ...packet, sourcePort: 40_001 }, node, circumstances, memory);
    assert.deepEqual(Object.keys(next.told), [toldOf({ ...first, memory }, packet, circumstances)], next.text);
  }
}

/** What can become of the packet, in the scenarios' words, with its probability. */
function tell(chains: readonly BaseChain[], packet: Packet, node: NodeState, at: Circumstances, memory?: Memory) {
  const traced = trace(chains, packet, node, memory);
  const told: Record<string, number> = {};
  for (const outcome of traced.outcomes) {
    const text = toldOf(outcome, packet, at);
    told[text] = rounded((told[text] ?? 0) + outcome.probability);
  }
  return { told, list: traced.outcomes, text: formatTrace(traced) };
}

function toldOf(outcome: Outcome, packet: Packet, { family, randomFully }: Circumstances): string {
  const { end, destination, destinationPort, masquerade } = outcome;
  if (end.kind === 'rejected') return 'refused';
  if (end.kind === 'dropped') return 'dropped';
  if (end.kind === 'unknown') return end.why;
  if (destination === packet.destination && destinationPort === packet.destinationPort) {
    return end.kind === 'delivered' ? 'delivered' : 'routed on';
  }
  const port = endpointPorts.find((one) => one === destinationPort);
  if (port === undefined) return 'relayed';
  const name = Object.keys(addresses).find((name) => addresses[name as Place][family] === destination) ?? destination;
  const place = placeText(name, port);
  if (masquerade === undefined) return place;
  return masquerade.randomFully === randomFully ? `${place} masqueraded` : `${place} masqueraded, ports otherwise`;
}

/** As flows name it, and as its server calls itself. */
export const placeText = (place: string, port: number): string => (port === endpointPort ? place : `${place}:${port}`);

function expectedOf(expected: Expected): Record<string, number> {
  if (expected.kind === 'reaches' && expected.relayed) return { relayed: 1 };
  // Whether somebody listens there is not for rules to know.
  if (expected.kind === 'untouched' || expected.kind === 'answered by the node') return { delivered: 1 };
  if (expected.kind !== 'reaches') return { [expected.kind]: 1 };
  const share = rounded(1 / expected.ends.length);
  return Object.fromEntries(expected.ends.map((end) => [endText(end), share]));
}

/** iptables writes probabilities with eleven digits, of which ten are upstream's. */
const rounded = (probability: number): number => Math.round(probability * 1e8) / 1e8;

const endText = ({ place, masqueraded }: ExpectedEnd): string => (masqueraded ? `${place} masqueraded` : place);

/** Far above what it takes to see all of three endpoints: one of them is missed once in 10^15. */
const connectionLimit = 90;
const silenceMs = 250;

/** Sends real packets. Throws AssertionError when they end elsewhere, or not in all the places in which they should. */
export async function judgePackets(
  network: TestNetwork,
  flow: Flow,
  { family, ...circumstances }: Circumstances,
): Promise<void> {
  const { client, target, port, protocol = circumstances.protocol, expected } = flow;
  const ask = (timeoutMs?: number) => network.ask(client, protocol, targets[family][target], port, timeoutMs);
  if (expected.kind === 'routed on') assert.match(await ask(), /^outside /);
  else if (expected.kind === 'answered by the node') assert.match(await ask(), /^node /);
  else if (expected.kind === 'dropped') assert.equal(await ask(silenceMs), 'timeout');
  else if (expected.kind !== 'reaches') assert.equal(await ask(), 'ECONNREFUSED');
  else if (expected.sticks) {
    const first = toldBy(await ask(), flow, family);
    assert.ok(expected.ends.map(endText).includes(first), first);
    for (let i = 0; i < 12; i++) assert.equal(toldBy(await ask(), flow, family), first);
  } else {
    const missing = new Set(expected.ends.map(endText));
    for (let i = 1; i <= connectionLimit && missing.size > 0; i++) {
      const told = toldBy(await ask(), flow, family);
      if (!expected.ends.map(endText).includes(told)) {
        assert.fail(`Connection ${i} of "${flow.text}" ends at ${told}\n${unfinishedFlows(network, family)}`);
      }
      missing.delete(told);
    }
    assert.deepEqual([...missing], []);
  }
}

/** What conntrack has that is not over: tells later how a packet that went astray was translated. */
function unfinishedFlows(network: TestNetwork, family: Family): string {
  try {
    const listed = runTool('conntrack', ['-L', '-f', family.toLowerCase()], { netns: network.path('node') });
    return listed.replaceAll(/^.*TIME_WAIT.*\n/gm, '');
  } catch (error) {
    return messageOf(error);
  }
}

/** A server answers with its own name and the address that it sees its client come from. */
function toldBy(answer: string, flow: Flow, family: Family): string {
  const [place, peer] = answer.split(' ');
  if (peer === undefined) return answer;
  return peer === sourceOf(flow, family) ? place! : `${place} masqueraded`;
}
