import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createUserspaceDataplane } from '../../src/proxy/dataplane/userspace/mod.ts';
import type { PortPlan, Route } from '../../src/proxy/plan/mod.ts';

/**
 * The node of the userspace benchmark: the dataplane for two ports of a Service with one endpoint, behind those of as many
 * other Services as there are to be besides, until it is killed.
 */
interface Setup {
  readonly vip: string;
  readonly pod: string;
  readonly ports: { readonly stream: number; readonly connect: number };
  readonly streamPort: number;
  readonly connectPort: number;
  /** The one that is measured among them. */
  readonly services: number;
}

const { vip, pod, ports, streamPort, connectPort, services } = JSON.parse(process.argv[2]!) as Setup;
const internal: Route = { policy: 'Cluster', verdict: 'forward' };
const plan = (service: string, address: string, name: string, id: number, port: number, target: number): PortPlan => ({
  name: { service: `default/${service}`, port: name, protocol: 'TCP' },
  family: 'IPv4',
  since: '2026-01-01T00:00:00Z',
  frontends: [{ kind: 'cluster-ip', address, port }],
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
const others = Array.from({ length: services - 1 }, (_, i) =>
  plan(`s${i}`, `10.97.${i >> 8}.${i & 255}`, '', i + 3, ports.stream, streamPort),
);
dataplane.converge(dataplane.read(), [
  ...others,
  plan('bench', vip, 'stream', 1, ports.stream, streamPort),
  plan('bench', vip, 'connect', 2, ports.connect, connectPort),
]);
console.log('ready');
process.stdin.resume().on('end', () => process.exit(0));
