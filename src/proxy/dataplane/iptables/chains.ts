/** Chains that do not belong to one Service port, by upstream's names. */
export const Chain = {
  services: 'KUBE-SERVICES',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  nodePorts: 'KUBE-NODEPORTS',
  postrouting: 'KUBE-POSTROUTING',
  markMasquerade: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  /** Shared with kubelet, which makes the same rule in it. */
  firewall: 'KUBE-FIREWALL',
  /** Empty: when it is gone, somebody has flushed the table. */
  canary: 'KUBE-PROXY-CANARY',
} as const;

/** Proof that a kubelet keeps house here. */
export const kubeletCanary = 'KUBE-KUBELET-CANARY';
/** kubelet leaves it in the interface that the host's own iptables uses (KEP-3178). */
export const kubeletHint = 'KUBE-IPTABLES-HINT';
