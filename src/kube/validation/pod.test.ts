import { Pod } from '../mod.ts';
import { container, pod, testCases } from './validation-case.ts';

testCases([
  { name: 'a good one', resource: Pod, object: pod(), errors: [] },
  {
    name: 'no containers',
    resource: Pod,
    object: { spec: { containers: [] } },
    errors: ['spec.containers: Required value'],
  },
  {
    name: 'a name twice',
    resource: Pod,
    object: pod({ initContainers: [container()] }),
    errors: ['spec.initContainers[0].name: Duplicate value: "a"'],
  },
  {
    name: 'no image',
    resource: Pod,
    object: pod({}, { image: '' }),
    errors: ['spec.containers[0].image: Required value'],
  },
  {
    name: 'a blank in the image',
    resource: Pod,
    object: pod({}, { image: ' a' }),
    errors: ['spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace'],
  },
  {
    name: 'no handler',
    resource: Pod,
    object: pod({}, { readinessProbe: {} }),
    errors: ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
  },
  {
    name: 'two handlers',
    resource: Pod,
    object: pod({}, { readinessProbe: { exec: { command: ['true'] }, tcpSocket: { port: 80 } } }),
    errors: ['spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
  },
  {
    name: 'successes of a liveness probe',
    resource: Pod,
    object: pod({}, { livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
    errors: ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
  },
  {
    name: 'successes of a readiness probe',
    resource: Pod,
    object: pod({}, { readinessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
    errors: [],
  },
  {
    name: 'a negative delay',
    resource: Pod,
    object: pod({}, { readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: -1 } }),
    errors: [
      'spec.containers[0].readinessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    name: 'a probe of a port that cannot be',
    resource: Pod,
    object: pod({}, { readinessProbe: { httpGet: { port: 0 } } }),
    errors: [
      'spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  },
  {
    name: 'a probe without a command',
    resource: Pod,
    object: pod({}, { startupProbe: { exec: { command: [] } } }),
    errors: ['spec.containers[0].startupProbe.exec.command: Required value'],
  },
  {
    name: 'grace in a readiness probe',
    resource: Pod,
    object: pod({}, { readinessProbe: { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 5 } }),
    errors: [
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes',
    ],
  },
  {
    name: 'a probe of an init container',
    resource: Pod,
    object: pod({ initContainers: [{ name: 'i', image: 'i', readinessProbe: { tcpSocket: { port: 80 } } }] }),
    errors: [
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  },
  {
    name: 'a probe of a sidecar',
    resource: Pod,
    object: pod({
      initContainers: [{ name: 'i', image: 'i', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 80 } } }],
    }),
    errors: [],
  },
  {
    name: 'ports',
    resource: Pod,
    object: pod(
      {},
      {
        ports: [
          { containerPort: 0 },
          { containerPort: 70_000, name: 'a' },
          { containerPort: 80, name: 'a' },
          { containerPort: 81, hostPort: 65_536 },
        ],
      },
    ),
    errors: [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[2].name: Duplicate value: "a"',
      'spec.containers[0].ports[3].hostPort: Invalid value: 65536: must be between 1 and 65535, inclusive',
    ],
  },
  {
    name: 'a host port twice',
    resource: Pod,
    object: pod(
      {},
      {
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 81, hostPort: 80 },
        ],
      },
    ),
    errors: ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'],
  },
  {
    name: 'a host port that differs on the host network',
    resource: Pod,
    object: pod({ hostNetwork: true }, { ports: [{ containerPort: 80, hostPort: 81 }] }),
    errors: [
      'spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` when `hostNetwork` is true',
    ],
  },
  {
    name: 'a variable named twice over',
    resource: Pod,
    object: pod(
      {},
      {
        env: [
          { name: 'a=b' },
          { name: 'A', value: '1', valueFrom: { fieldRef: { fieldPath: 'x' } } },
          { name: 'B', valueFrom: {} },
        ],
      },
    ),
    errors: [
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of…',
    ],
  },
  {
    name: 'a mount of no volume',
    resource: Pod,
    object: pod({}, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    errors: ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  },
  {
    name: 'a path mounted twice',
    resource: Pod,
    object: pod(
      { volumes: [{ name: 'v' }] },
      {
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/v' },
        ],
      },
    ),
    errors: ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique'],
  },
  {
    name: 'a volume of two sources',
    resource: Pod,
    object: pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }),
    errors: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  },
  {
    name: 'more asked for than allowed',
    resource: Pod,
    object: pod({}, { resources: { limits: { cpu: '0.1' }, requests: { cpu: '1' } } }),
    errors: [
      'spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 100m',
    ],
  },
  {
    name: 'less than nothing',
    resource: Pod,
    object: pod({}, { resources: { requests: { cpu: '-1' } } }),
    errors: ['spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  },
  {
    name: "DNS of one's own without a server",
    resource: Pod,
    object: pod({ dnsPolicy: 'None', dnsConfig: {} }),
    errors: [
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
    ],
  },
  { name: 'a toleration of all', resource: Pod, object: pod({ tolerations: [{ operator: 'Exists' }] }), errors: [] },
  {
    name: 'a toleration of nothing',
    resource: Pod,
    object: pod({ tolerations: [{ value: 'x' }] }),
    errors: ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty…'],
  },
  {
    name: 'a deadline of nothing',
    resource: Pod,
    object: pod({ activeDeadlineSeconds: 0 }),
    errors: ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  },
  {
    name: 'a hostname with a dot',
    resource: Pod,
    object: pod({ hostname: 'a.b' }),
    errors: ['spec.hostname: Invalid value: "a.b": a lowercase RFC 1123 label must consist of…'],
  },
  {
    name: 'an ephemeral container from the start',
    resource: Pod,
    object: pod({ ephemeralContainers: [{ name: 'e', image: 'e' }] }),
    errors: ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  },
  {
    name: 'a new image',
    resource: Pod,
    before: pod(),
    object: pod({}, { image: 'a:2', imagePullPolicy: 'IfNotPresent' }),
    errors: [],
  },
  {
    name: 'another command',
    resource: Pod,
    before: pod(),
    object: pod({}, { command: ['x'] }),
    errors: [
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\nchanged: spec.containers',
    ],
  },
  {
    name: 'another node',
    resource: Pod,
    before: pod({ nodeName: 'a' }),
    object: pod({ nodeName: 'b' }),
    errors: ['spec: Forbidden: pod updates may not change fields other than…'],
  },
  {
    name: 'another container',
    resource: Pod,
    before: pod(),
    object: pod({ containers: [container(), container({ name: 'b' })] }),
    errors: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  },
  {
    name: 'a toleration more',
    resource: Pod,
    before: pod(),
    object: pod({ tolerations: [{ operator: 'Exists' }] }),
    errors: [],
  },
  {
    name: 'a toleration less',
    resource: Pod,
    before: pod({ tolerations: [{ operator: 'Exists' }] }),
    object: pod(),
    errors: ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  },
  {
    name: 'an earlier deadline',
    resource: Pod,
    before: pod({ activeDeadlineSeconds: 9 }),
    object: pod({ activeDeadlineSeconds: 8 }),
    errors: [],
  },
  {
    name: 'a later deadline',
    resource: Pod,
    before: pod({ activeDeadlineSeconds: 8 }),
    object: pod({ activeDeadlineSeconds: 9 }),
    errors: ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
  },
]);
