import { type Step, socketText } from './netfilter.ts';
import type { Packet } from './packet.ts';
import { type Outcome, outcomeText, type Trace } from './trace.ts';

/** The trace for people: each outcome with its probability, and the way there. */
export function formatTrace({ packet, outcomes }: Trace): string {
  return [packetText(packet), ...outcomes.flatMap(outcomeLines)].join('\n').concat('\n');
}

export function packetText(packet: Packet): string {
  const { source, sourcePort, destination, destinationPort, protocol, inInterface, state = 'NEW' } = packet;
  const from = inInterface === undefined ? 'from this node' : `in by ${inInterface}`;
  return `${protocol} ${socketText(source, sourcePort)} → ${socketText(destination, destinationPort)} ${from}, ${state}`;
}

const outcomeLines = (outcome: Outcome): string[] => [
  '',
  `${percentage(outcome.probability)} ${outcomeText(outcome)}`,
  ...outcome.path.map((step) => `  ${stepText(step)}`),
];

const stepText = (step: Step): string =>
  step.kind === 'event' ? `→ ${step.text}` : `${step.hook} ${step.table} ${step.chain} #${step.number}: ${step.text}`;

/** `33.3%`; never rounded up to a certainty, nor down to an impossibility. */
function percentage(probability: number): string {
  const text = `${Number((probability * 100).toPrecision(3))}%`;
  return text === '100%' && probability < 1 - 1e-9 ? '>99.9%' : text;
}
