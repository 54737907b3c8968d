import type { Target } from '../../wire/iptables/mod.ts';
import { UnevaluableError } from '../errors.ts';
import { addressesOf } from '../node-state.ts';
import type { Traveller } from '../packet.ts';
import type { Surroundings, Verdict } from '../rules.ts';

/** What a matching rule does: goes on with the next one, changes the chain, or decides. */
export type Effect =
  | 'continue'
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'return' }
  | Verdict;

/** Throws UnevaluableError for a target that nobody knows. */
export function effectOf(target: Target | undefined, packet: Traveller, surroundings: Surroundings): Effect {
  switch (target?.kind) {
    case undefined:
      return 'continue';
    case 'jump':
    case 'goto':
      return target;
    case 'ACCEPT':
      return { kind: 'accept' };
    case 'DROP':
      return { kind: 'drop' };
    case 'RETURN':
      return { kind: 'return' };
    case 'MARK':
      packet.mark = ((packet.mark & ~target.mask) ^ target.value) >>> 0;
      return 'continue';
    case 'DNAT':
      return { kind: 'redirect', address: target.address, ...(target.port !== undefined && { port: target.port }) };
    case 'REDIRECT':
      return { kind: 'redirect', address: ownAddress(packet, surroundings), port: target.port };
    case 'MASQUERADE':
      return { kind: 'masquerade', randomFully: target.randomFully ?? false };
    case 'REJECT':
      // A reset answers TCP alone; to anything else the kernel stays silent (nf_send_reset).
      return target.with === 'tcp-reset' && packet.protocol !== 'TCP'
        ? { kind: 'drop' }
        : { kind: 'reject', with: target.with };
    case 'foreign':
      if (target.name === 'LOG' || target.name === 'NFLOG') return 'continue';
      throw new UnevaluableError(`-j ${target.name}`);
  }
}

/** nf_nat_redirect: loopback for what the node sends, else the first address of the interface it came in by. */
function ownAddress({ family, inInterface = '' }: Traveller, { hook, node }: Surroundings): string {
  if (hook === 'output') return family === 'IPv4' ? '127.0.0.1' : '::1';
  const [address] = addressesOf(inInterface, family, node);
  if (address === undefined) throw new UnevaluableError(`-j REDIRECT: ${inInterface} has no ${family} address`);
  return address;
}
