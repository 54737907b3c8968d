import { runTool } from '../../../src/kernel/mod.ts';
import type { Family } from '../../../src/proxy/plan/mod.ts';
import type { Scenario } from '../scenario.ts';
import { dockerRules } from './docker.ts';
import { kubeProxyIptables, kubeProxyNftables } from './kube-proxy.ts';

/** Somebody else's rules on the same node, and what becomes of packets beside them. */
export interface Neighbour {
  readonly scenario: Scenario;
  /** Loads its rules. */
  install(netns: string, family: Family): void;
  /** Takes them away again. */
  remove(netns: string, family: Family): void;
  /** It may also come when our rules are there already. */
  readonly mayComeLater: boolean;
}

const firewall = (chains: string): Pick<Neighbour, 'install' | 'remove' | 'mayComeLater'> => ({
  install: (netns) => void runTool('nft', ['-f', '-'], { netns, input: `table inet firewall {\n${chains}\n}\n` }),
  remove: (netns) => void runTool('nft', ['delete', 'table', 'inet', 'firewall'], { netns }),
  mayComeLater: true,
});

const tool = (family: Family) => (family === 'IPv4' ? 'iptables' : 'ip6tables');

const iptablesRules = (rules: (family: Family) => string): Pick<Neighbour, 'install' | 'remove'> => ({
  install: (netns, family) =>
    void runTool(`${tool(family)}-nft-restore`, ['--noflush'], { netns, input: rules(family) }),
  remove: (netns, family) => {
    for (const table of ['nat', 'filter']) {
      const words = (...more: string[]) => runTool(`${tool(family)}-nft`, ['-t', table, ...more], { netns });
      words('-F');
      words('-X');
      if (table === 'filter') words('-P', 'FORWARD', 'ACCEPT');
    }
  },
});

const sameChains = 'its own mode is built on the same chains';

export const neighbours: readonly Neighbour[] = [
  {
    ...firewall(`chain forward {
      type filter hook forward priority filter; policy drop;
      ct state established,related accept
      ct status dnat accept
    }`),
    scenario: {
      title: 'a firewall that forwards nothing but what was redirected',
      endpoints: ['pod2', 'remote'],
      flows: [
        'pod1 to vip:80: pod2, remote',
        'node to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to lb:80: pod2 masqueraded, remote masqueraded',
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
        '[nftables, iptables on nft, iptables on legacy] pod1 to balancer:80: dropped',
      ],
    },
  },
  {
    ...firewall(`chain forward {
      type filter hook forward priority filter; policy drop;
    }`),
    scenario: {
      title: 'a firewall that forwards nothing: that is its to say',
      endpoints: ['pod2'],
      flows: [
        'node to vip:80: pod2 masqueraded',
        '[nftables, iptables on nft, iptables on legacy] pod1 to vip:80: dropped',
        '[userspace] pod1 to vip:80: pod2',
      ],
    },
  },
  {
    ...firewall(`chain forward {
      type filter hook forward priority filter; policy drop;
    }
    chain input {
      type filter hook input priority filter; policy drop;
      ct state established,related accept
      meta l4proto ipv6-icmp accept
      iifname lo accept
    }`),
    scenario: {
      title: 'a firewall that lets nothing pass or in: without endpoints clients are refused all the same',
      endpoints: [],
      skip: { userspace: 'a relay takes connections by the input hook', ...onFilter() },
      flows: ['vip:80', 'lb:80', 'node:30080'].flatMap((target) =>
        ['pod1', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
      ),
    },
  },
  {
    ...firewall(`chain input {
      type filter hook input priority filter; policy drop;
      ct state established,related accept
      meta l4proto ipv6-icmp accept
      iifname lo accept
    }`),
    scenario: {
      title: 'a firewall that lets nothing in: node ports are none of its business unless the node itself serves them',
      endpoints: ['pod2', 'remote'],
      skip: { userspace: 'a relay takes connections by the input hook' },
      flows: [
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
        'pod1 to vip:80: pod2, remote',
        'outside to lb:80: pod2 masqueraded, remote masqueraded',
        'node to node:30080: pod2 masqueraded, remote masqueraded',
        'outside to node:30081: dropped',
      ],
    },
  },
  {
    ...iptablesRules(dockerRules),
    mayComeLater: true,
    scenario: {
      title: 'Docker, with a published port and a Pod network that is let through',
      endpoints: ['pod2', 'remote'],
      flows: [
        'pod1 to vip:80: pod2, remote',
        'docker0 to vip:80: pod2 masqueraded, remote masqueraded',
        'docker0 to node:30080: pod2 masqueraded, remote masqueraded',
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
        'outside to lb:80: pod2 masqueraded, remote masqueraded',
        'node to vip:80: pod2 masqueraded, remote masqueraded',
        '[nftables, iptables on nft] outside to node:8080: docker0',
        '[nftables, iptables on nft] pod1 to node:8080: docker0',
        '[nftables, iptables on nft] node to node:8080: docker0',
        'docker0 to balancer:80: routed on',
      ],
      skip: { 'iptables on legacy': 'Docker’s rules are in the other interface, whose policy drops' },
    },
  },
  {
    ...iptablesRules(dockerRules),
    mayComeLater: true,
    scenario: {
      title: 'Docker, no endpoints',
      endpoints: [],
      flows: ['vip:80', 'lb:80', 'node:30080'].flatMap((target) =>
        ['pod1', 'docker0', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
      ),
      skip: { 'iptables on legacy': 'Docker’s rules are in the other interface, whose policy drops' },
    },
  },
  {
    install: (netns, family) => void runTool('nft', ['-f', '-'], { netns, input: kubeProxyNftables(family) }),
    remove: (netns, family) =>
      void runTool('nft', ['delete', 'table', family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy'], { netns }),
    mayComeLater: false,
    scenario: {
      title: 'what kube-proxy of mode nftables has left, with an endpoint that has gone',
      endpoints: ['pod2', 'remote'],
      skip: { 'iptables on legacy': 'its hooks stay when its rules go, and of equals the younger hook comes first' },
      flows: [
        'pod1 to vip:80: pod2, remote',
        'node to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
      ],
    },
  },
  {
    ...iptablesRules(kubeProxyIptables),
    mayComeLater: false,
    scenario: {
      title: 'what kube-proxy of mode iptables has left, with an endpoint that has gone',
      endpoints: ['pod2', 'remote'],
      skip: {
        'iptables on nft': sameChains,
        'iptables on legacy': sameChains,
        userspace: 'its ways in stand in the same chains, behind those that are there, until a mode is cleaned up',
      },
      flows: [
        'pod1 to vip:80: pod2, remote',
        'node to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
      ],
    },
  },
];

function onFilter() {
  const reason = 'its refusals stand in the same hooks as the firewall, and whichever came first decides';
  return { 'iptables on nft': reason, 'iptables on legacy': reason };
}
