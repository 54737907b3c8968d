import { Service } from '../mod.ts';
import { labels, service, testCases } from './validation-case.ts';

testCases([
  { name: 'a good one', resource: Service, object: service({ selector: labels }), errors: [] },
  { name: 'no ports', resource: Service, object: { spec: {} }, errors: ['spec.ports: Required value'] },
  { name: 'no ports, headless', resource: Service, object: { spec: { clusterIP: 'None' } }, errors: [] },
  {
    name: 'a port too high',
    resource: Service,
    object: service({ ports: [{ port: 70_000 }] }),
    errors: [
      'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
  },
  {
    name: 'two ports without names',
    resource: Service,
    object: service({ ports: [{ port: 1 }, { port: 2 }] }),
    errors: ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
  },
  {
    name: 'a name twice',
    resource: Service,
    object: service({
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    }),
    errors: ['spec.ports[1].name: Duplicate value: "a"'],
  },
  {
    name: 'a port twice',
    resource: Service,
    object: service({
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 1 },
      ],
    }),
    errors: ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}'],
  },
  {
    name: 'a port for two protocols',
    resource: Service,
    object: service({
      ports: [
        { name: 'a', port: 53 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
    }),
    errors: [],
  },
  {
    name: 'a node port twice',
    resource: Service,
    object: service({
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30_001 },
        { name: 'b', port: 2, nodePort: 30_001 },
      ],
    }),
    errors: ['spec.ports[1].nodePort: Duplicate value: 30001'],
  },
  {
    name: 'a node port for two protocols',
    resource: Service,
    object: service({
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30_001 },
        { name: 'b', port: 2, nodePort: 30_001, protocol: 'UDP' },
      ],
    }),
    errors: [],
  },
  {
    name: 'a node port of a ClusterIP',
    resource: Service,
    object: service({ ports: [{ port: 1, nodePort: 30_001 }] }),
    errors: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  },
  {
    name: 'a target by name',
    resource: Service,
    object: service({ ports: [{ port: 1, targetPort: 'http' }] }),
    errors: [],
  },
  {
    name: 'a target by a bad name',
    resource: Service,
    object: service({ ports: [{ port: 1, targetPort: 'no spaces' }] }),
    errors: [
      'spec.ports[0].targetPort: Invalid value: "no spaces": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
  },
  {
    name: 'a target by too long a name',
    resource: Service,
    object: service({ ports: [{ port: 1, targetPort: 'a-very-long-port-name' }] }),
    errors: ['spec.ports[0].targetPort: Invalid value: "a-very-long-port-name": must be no more than 15 characters'],
  },
  {
    name: 'a selector that selects nothing',
    resource: Service,
    object: service({ selector: { app: 'a b' } }),
    errors: ['spec.selector[app]: Invalid value: "a b": a valid label must be…'],
  },
  {
    name: 'affinity for too long',
    resource: Service,
    object: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } }),
    errors: [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than or equal to 86400',
    ],
  },
  {
    name: 'affinity for no time',
    resource: Service,
    object: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }),
    errors: [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than or equal to 86400',
    ],
  },
  {
    name: 'an address that is none',
    resource: Service,
    object: service({ clusterIP: '10.96.0.300' }),
    errors: [
      'spec.clusterIPs[0]: Invalid value: "10.96.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  {
    name: 'two addresses that differ',
    resource: Service,
    object: service({ clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.4'] }),
    errors: ['spec.clusterIPs: Invalid value: ["10.96.0.4"]: first value must match `clusterIP`'],
  },
  {
    name: 'two addresses of one family',
    resource: Service,
    object: service({ clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.3', '10.96.0.4'] }),
    errors: [
      'spec.clusterIPs: Invalid value: ["10.96.0.3","10.96.0.4"]: may specify no more than one IP for each IP family',
    ],
  },
  {
    name: 'a family that the address is not of',
    resource: Service,
    object: service({ clusterIP: '10.96.0.3', ipFamilies: ['IPv6'] }),
    errors: ['spec.clusterIPs[0]: Invalid value: "10.96.0.3": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  },
  {
    name: 'headless on node ports',
    resource: Service,
    object: service({ type: 'NodePort', clusterIP: 'None' }),
    errors: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  },
  {
    name: 'an external name',
    resource: Service,
    object: { spec: { type: 'ExternalName', externalName: 'db.example.com.' } },
    errors: [],
  },
  {
    name: 'no external name',
    resource: Service,
    object: { spec: { type: 'ExternalName', clusterIP: '10.96.0.3' } },
    errors: [
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
      'spec.externalName: Required value',
    ],
  },
  {
    name: 'an external policy for inside',
    resource: Service,
    object: service({ externalTrafficPolicy: 'Local' }),
    errors: ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  },
  {
    name: "an external address of one's own",
    resource: Service,
    object: service({ externalIPs: ['127.0.0.1', '0.0.0.0', 'x'] }),
    errors: [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'spec.externalIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  {
    name: 'source ranges',
    resource: Service,
    object: service({ type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8', '10.0.0.0'] }),
    errors: [
      'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  },
  {
    name: "a load balancer's fields elsewhere",
    resource: Service,
    object: service({ loadBalancerClass: 'a/b', healthCheckNodePort: 30_000 }),
    errors: [
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  },
  {
    name: 'another address',
    resource: Service,
    before: service({ clusterIP: '10.96.0.3' }),
    object: service({ clusterIP: '10.96.0.4' }),
    errors: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.4"]: may not change once set'],
  },
  {
    name: 'no address any more',
    resource: Service,
    before: service({ clusterIP: '10.96.0.3' }),
    object: service({}),
    errors: ['spec.clusterIPs[0]: Invalid value: []: primary clusterIP can not be unset'],
  },
  {
    name: 'an address given up for a name',
    resource: Service,
    before: service({ clusterIP: '10.96.0.3' }),
    object: { spec: { type: 'ExternalName', externalName: 'a.b' } },
    errors: [],
  },
  {
    name: 'headless made not so',
    resource: Service,
    before: service({ clusterIP: 'None' }),
    object: service({ clusterIP: '10.96.0.3' }),
    errors: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.3"]: may not change once set'],
  },
]);
