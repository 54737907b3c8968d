import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createUserspaceDataplane } from '../../src/proxy/dataplane/userspace/mod.ts';
import type { PortPlan, Route } from '../../src/proxy/plan/mod.ts';

/** The node of the userspace benchmark: the dataplane for two ports of a Service with one endpoint, until it is killed. */
interface Setup {
  readonly vip: string;
  readonly pod: string;
  readonly ports: { readonly stream: number; readonly connect: number };
  readonly streamPort: number;
  readonly connectPort: number;
}

const { vip, pod, ports, streamPort, connectPort } = JSON.parse(process.argv[2]!) as Setup;
const internal: Route = { policy: 'Cluster', verdict: 'forward' };
const plan = (name: string, id: number, port: number, target: number): PortPlan => ({
  name: { service: 'default/bench', port: name, protocol: 'TCP' },
  family: 'IPv4',
  since: '2026-01-01T00:00:00Z',
  frontends: [{ kind: 'cluster-ip', address: vip, port }],
  refused: [],
  internal,
  cluster: { id, endpoints: [{ address: pod, port: target, local: true }], leftOut: [] },
});

const dataplane = createUserspaceDataplane({ family: 'IPv4', clock: systemClock, log: silentLogger });
dataplane.configure({
  family: 'IPv4',
  masqueradeMark: 0x4000,
  masqueradeAll: false,
  randomFully: false,
  localDetector: { kind: 'none' },
  nodePorts: { localhost: false },
  dropInvalid: false,
  serviceRanges: [],
});
dataplane.converge(dataplane.read(), [
  plan('stream', 1, ports.stream, streamPort),
  plan('connect', 2, ports.connect, connectPort),
]);
console.log('ready');
process.stdin.resume().on('end', () => process.exit(0));
