import type { Family } from '../../../src/proxy/plan/mod.ts';
import { endpointPort, targets } from '../scenario.ts';

/** A Pod of the node's that has gone. */
const goneEndpoint: Readonly<Record<Family, string>> = { IPv4: '10.244.1.99', IPv6: 'fd00:10:244:1::99' };

/**
 * What mode nftables of kube-proxy (1.33) leaves for Service default/web with a node port and one endpoint, the last that it
 * has heard of.
 */
export function kubeProxyNftables(family: Family, address = goneEndpoint[family]): string {
  const isV4 = family === 'IPv4';
  const [ip, type] = isV4 ? ['ip', 'ipv4_addr'] : ['ip6', 'ipv6_addr'];
  const { vip } = targets[family];
  const pods = isV4 ? '10.244.0.0/16' : 'fd00:10:244::/48';
  const services = isV4 ? '10.96.0.0/16' : 'fd00:10:96::/112';
  const service = 'service-3CQUYBCR-default/web/tcp/';
  const external = 'external-3CQUYBCR-default/web/tcp/';
  const endpoint = 'endpoint-5DVPJKO2-default/web/tcp/__there/9376';
  return `table ${ip} kube-proxy {
  comment "rules for kube-proxy";
  set cluster-ips { type ${type}; comment "Active ClusterIPs"; elements = { ${vip} }; }
  set nodeport-ips { type ${type}; comment "IPs that accept NodePort traffic"; elements = { ${targets[family].node} }; }
  map no-endpoint-services { type ${type} . inet_proto . inet_service : verdict; }
  map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
  map firewall-ips { type ${type} . inet_proto . inet_service : verdict; }
  chain mark-for-masquerade { meta mark set meta mark | 0x4000; }
  chain masquerading {
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }
  chain reject-chain { reject; }
  chain ${endpoint} {
    ${ip} saddr ${address} jump mark-for-masquerade
    meta l4proto tcp dnat to ${isV4 ? address : `[${address}]`}:${endpointPort}
  }
  chain ${service} {
    ${ip} daddr ${vip} tcp dport 80 ${ip} saddr != ${pods} jump mark-for-masquerade
    numgen random mod 1 vmap { 0 : goto ${endpoint} }
  }
  chain ${external} { jump mark-for-masquerade; goto ${service}; }
  map service-ips {
    type ${type} . inet_proto . inet_service : verdict
    elements = { ${vip} . tcp . 80 : goto ${service} }
  }
  map service-nodeports {
    type inet_proto . inet_service : verdict
    elements = { tcp . 30080 : goto ${external} }
  }
  chain services {
    ${ip} daddr . meta l4proto . th dport vmap @service-ips
    ${ip} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }
  chain service-endpoints-check { ${ip} daddr . meta l4proto . th dport vmap @no-endpoint-services; }
  chain nodeport-endpoints-check { ${ip} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
  chain firewall-check { ${ip} daddr . meta l4proto . th dport vmap @firewall-ips; }
  chain cluster-ips-check {
    ${ip} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
    ${ip} daddr ${services} drop comment "Drop traffic to unallocated ClusterIPs"
  }
  chain filter-prerouting { type filter hook prerouting priority -110; ct state new jump firewall-check; }
  chain filter-input {
    type filter hook input priority -110
    ct state new jump nodeport-endpoints-check
    ct state new jump service-endpoints-check
  }
  chain filter-forward {
    type filter hook forward priority -110
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }
  chain filter-output {
    type filter hook output priority -110
    ct state new jump service-endpoints-check
    ct state new jump firewall-check
  }
  chain filter-output-post-dnat { type filter hook output priority -90; ct state new jump cluster-ips-check; }
  chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority 100; jump masquerading; }
}
`;
}

/** And what mode iptables leaves. */
export function kubeProxyIptables(family: Family, address = goneEndpoint[family]): string {
  const isV4 = family === 'IPv4';
  const { vip } = targets[family];
  const host = isV4 ? 32 : 128;
  const pods = isV4 ? '10.244.0.0/16' : 'fd00:10:244::/48';
  const [service, external, endpoint] = [
    'KUBE-SVC-LOLE4ISW44XBNF3G',
    'KUBE-EXT-LOLE4ISW44XBNF3G',
    'KUBE-SEP-5DVPJKO2WVMHKKWD',
  ];
  return `*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
:${service} - [0:0]
:${external} - [0:0]
:${endpoint} - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web" -m tcp --dport 30080 -j ${external}
-A ${external} -m comment --comment "masquerade traffic for default/web external destinations" -j KUBE-MARK-MASQ
-A ${external} -j ${service}
-A KUBE-SERVICES -d ${vip}/${host} -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j ${service}
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A ${service} ! -s ${pods} -d ${vip}/${host} -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A ${service} -m comment --comment "default/web -> ${address}:${endpointPort}" -j ${endpoint}
-A ${endpoint} -s ${address}/${host} -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A ${endpoint} -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination ${isV4 ? address : `[${address}]`}:${endpointPort}
COMMIT
`;
}
