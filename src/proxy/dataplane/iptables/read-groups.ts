import { isServiceChain } from '../../../wire/iptables/mod.ts';
import {
  type Endpoint,
  type FoundGroup,
  type FoundGroups,
  type FoundPort,
  frontendText,
  type Protocol,
} from '../../plan/mod.ts';
import { Chain } from './chains.ts';
import { targetOf } from './compare.ts';
import type { FoundRules } from './rule-table.ts';

/**
 * The slots that endpoints have in the chains of an earlier run, or of an upstream kube-proxy, by frontend: going on with
 * them leaves the chains as they are.
 */
export function readGroups({ tables }: FoundRules): FoundGroups {
  const nat = tables.get('nat') ?? new Map<string, readonly string[]>();
  const groups = new Map<string, FoundPort>();
  const ports = new Map<string, FoundPort>();
  let lastId = 0;
  for (const chain of [Chain.services, Chain.nodePorts]) {
    for (const text of nat.get(chain) ?? []) {
      const frontend = frontendOf(text);
      const target = targetOf(text);
      if (frontend === undefined || target === undefined || !isServiceChain(target)) continue;
      const hash = target.slice(target.lastIndexOf('-') + 1);
      let port = ports.get(hash);
      if (port === undefined) {
        const group = (prefix: string): FoundGroup | undefined => {
          const endpoints = endpointsOf(nat, `${prefix}${hash}`);
          return endpoints.length > 0 ? { id: ++lastId, endpoints } : undefined;
        };
        const [cluster, local] = [group('KUBE-SVC-'), group('KUBE-SVL-')];
        port = { ...(cluster && { cluster }), ...(local && { local }) };
        ports.set(hash, port);
      }
      groups.set(frontend, port);
    }
  }
  return groups;
}

function frontendOf(text: string): string | undefined {
  const { address, protocol, port } =
    /^(?:-d (?<address>[\da-f.:]+)\/\d+ )?-p (?<protocol>\w+) .*--dport (?<port>\d+) /.exec(text)?.groups ?? {};
  if (protocol === undefined || port === undefined) return undefined;
  return frontendText(
    { ...(address !== undefined && { address }), port: Number(port) },
    protocol.toUpperCase() as Protocol,
  );
}

/** By slot: the last rule is that of slot 0. Rules of affinity name the same endpoints once more. */
function endpointsOf(nat: ReadonlyMap<string, readonly string[]>, chain: string): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const text of [...(nat.get(chain) ?? [])].reverse()) {
    const target = targetOf(text);
    if (!target?.startsWith('KUBE-SEP-') || text.includes('-m recent')) continue;
    const endpoint = endpointOf(nat.get(target) ?? []);
    if (endpoint) endpoints.set(target, endpoint);
  }
  return [...endpoints.values()];
}

function endpointOf(rules: readonly string[]): Endpoint | undefined {
  for (const text of rules) {
    const { address, port } =
      /-j DNAT --to-destination \[?(?<address>[\da-f.:]+?)\]?:(?<port>\d+)$/.exec(text)?.groups ?? {};
    // Whether it is on this node is not in the rules; whoever goes on with it says so.
    if (address !== undefined) return { address, port: Number(port), local: false };
  }
  return undefined;
}
