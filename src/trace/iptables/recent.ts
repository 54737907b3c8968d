import type { Match } from '../../wire/iptables/mod.ts';
import { formatIp, parseIp } from '../../wire/rtnetlink/mod.ts';
import type { Memory } from '../memory.ts';
import type { Traveller } from '../packet.ts';

/** xt_recent, with every entry as young as can be. Says whether the address was in the list; `--set` always matches. */
export function matchRecent(
  { do: action, name, mask, side }: Extract<Match, { kind: 'recent' }>,
  packet: Traveller,
  memory: Memory,
): boolean {
  const list = recentList(name);
  const key = maskedAddress(packet[side], mask);
  const isThere = memory.get(list, key) !== undefined;
  if (action === 'set' || (action === 'update' && isThere)) memory.set(list, key, '');
  if (action === 'remove') memory.delete(list, key);
  return isThere || action === 'set';
}

/** Under which name the memory keeps the list. */
const recentList = (name: string): string => `recent ${name}`;

function maskedAddress(address: string, mask: string): string {
  const bits = parseIp(mask).bytes;
  return formatIp(parseIp(address).bytes.map((byte, i) => byte & (bits[i] ?? 0)));
}
