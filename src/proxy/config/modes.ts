/** What this proxy can program: the words of `mode` and `--proxy-mode`, best first. Empty: the best that the kernel has. */
export const proxyModes = ['nftables', 'iptables', 'userspace'] as const;
export type ProxyMode = (typeof proxyModes)[number];

export const localModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const;
export type LocalMode = (typeof localModes)[number];
