import { frontendText, type ServiceDraft } from '../plan/mod.ts';
import { endpointText, type Frontend, type GroupDraft, type PortDraft, type Route } from '../plan/model.ts';

/**
 * A plan as people would tell it, a few lines a port:
 *
 *     http/TCP 10.96.0.1:80 by Cluster: forward
 *       *:30080 by Local: drop
 *       Cluster 10.0.0.1:9376; not 10.0.0.2: not ready
 *       Local; not 10.0.0.1: on another node, serving
 */
export const planText = ({ ports, healthCheck, problems }: ServiceDraft): string[] => [
  ...ports.flatMap(portText),
  ...(healthCheck ? [`health check on ${healthCheck.nodePort}: ${healthCheck.localEndpoints} here`] : []),
  ...problems.map(({ reason, message }) => `${reason}: ${message}`),
];

function portText(port: PortDraft): string[] {
  const { name, internal, external, cluster, local, affinitySeconds, firewall } = port;
  const outside = port.frontends.filter(({ kind }) => kind !== 'cluster-ip');
  const inside = port.frontends.filter(({ kind }) => kind === 'cluster-ip');
  return [
    `${name.port}/${name.protocol} ${routeText(inside, port, internal)}`,
    ...(external ? [`  ${routeText(outside, port, external)}`] : []),
    ...(cluster ? [`  Cluster${groupText(cluster)}`] : []),
    ...(local ? [`  Local${groupText(local)}`] : []),
    ...(affinitySeconds === undefined ? [] : [`  affinity ${affinitySeconds} s`]),
    ...(firewall
      ? [`  only from ${firewall.ranges.join(' ')}${firewall.admitsNode ? ' and from this node' : ''}`]
      : []),
  ];
}

function routeText(frontends: readonly Frontend[], { name }: PortDraft, { policy, verdict }: Route): string {
  const texts = frontends.map((frontend) => frontendText(frontend, name.protocol).replace(/\/.*/, ''));
  return `${texts.join(' ')} by ${policy}: ${verdict}`;
}

const groupText = ({ endpoints, leftOut }: GroupDraft): string =>
  [
    ...endpoints.map((one) => ` ${endpointText(one)}`),
    ...leftOut.map(({ address, reason, serving }) => `; not ${address}: ${reason}${serving ? ', serving' : ''}`),
  ].join('');
