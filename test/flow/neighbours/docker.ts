import type { Family } from '../../../src/proxy/plan/mod.ts';
import { addresses } from '../../../src/proxy/testing/network.ts';
import { endpointPort } from '../scenario.ts';

/**
 * What Docker Engine writes for its bridge and one container with `--publish 8080:9376`, and what a Pod network (flannel, for
 * one) adds so that its Pods get past Docker's FORWARD policy. With `"ip6tables": true` it is the same in IPv6.
 */
export function dockerRules(family: Family): string {
  const isV4 = family === 'IPv4';
  const container = addresses.docker0[family];
  const own = isV4 ? '172.17.0.0/16' : 'fd00:172:17::/64';
  const pods = isV4 ? '10.244.0.0/16' : 'fd00:10:244::/48';
  const host = `${container}/${isV4 ? 32 : 128}`;
  const published = `${isV4 ? container : `[${container}]`}:${endpointPort}`;
  return `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d ${isV4 ? '127.0.0.0/8' : '::1/128'} -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s ${own} ! -o docker0 -j MASQUERADE
-A POSTROUTING -s ${host} -d ${host} -p tcp -m tcp --dport ${endpointPort} -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination ${published}
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
:FLANNEL-FWD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -j FLANNEL-FWD
-A DOCKER -d ${host} ! -i docker0 -o docker0 -p tcp -m tcp --dport ${endpointPort} -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
-A FLANNEL-FWD -s ${pods} -j ACCEPT
-A FLANNEL-FWD -d ${pods} -j ACCEPT
COMMIT
`;
}
