import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Pod } from '../../kube/mod.ts';
import { clusterDefaults, type NodeLayout } from '../layout.ts';
import { type Place, type Resolution, startLookups, type TrafficStream } from '../traffic.ts';
import { until } from '../wait.ts';
import { type Check, demand, type ProofContext } from './context.ts';

const lookupMs = 20;
/** Of one page server; the node's own has 8181. */
const successorPort = 8182;

/** Somebody who looks up the Service's name all the time. */
interface Resolver {
  readonly who: string;
  readonly stream: TrafficStream<Resolution>;
}

export const dnsChanges: Check = {
  title: 'DNS servers are restarted, killed with -9 and replaced; no lookup is lost that had another server to go to',
  async run(context) {
    const { nodes } = context.layout;
    const replaced = await replaceOne(context, nodes[0]!);
    if (nodes.length === 1) return `${replaced} lookups while one server took over from another, none lost`;
    const throughVip = startResolver(context, 'a Pod with the DNS Service', context.clientPod);
    const ofSeveral = await resolverOf(context, 'proof-resolver', nodes);
    await answered([throughVip, ofSeveral]);
    for (const node of nodes) await restart(context, node, [throughVip, ofSeveral]);
    const restarted = throughVip.stream.attempts.length;
    demandNoLoss(context, throughVip, throughVip.stream.attempts);
    for (const node of nodes) await crash(context, node, ofSeveral);
    // Twice: those that were under way have ended by then, too.
    await answered([throughVip]);
    const crashed = throughVip.stream.attempts.length;
    await answered([throughVip]);
    const lost = throughVip.stream.attempts.slice(restarted, crashed).filter((one) => !isRight(context, one)).length;
    const total = replaced + (await end(context, ofSeveral)) + (await end(context, throughVip, crashed));
    return `${total} lookups, none lost; ${lost} of ${crashed - restarted} more through the Service met a server killed a moment before`;
  },
};

const startResolver = ({ serviceName }: ProofContext, who: string, place: Place): Resolver => {
  const names = [serviceName, `${serviceName}.default`, `${serviceName}.default.svc.${clusterDefaults.domain}`];
  return { who, stream: startLookups(place, names, lookupMs) };
};

/** A Pod whose name servers are those nodes' DNS servers, and not the Service. */
async function resolverOf(context: ProofContext, name: string, nodes: readonly NodeLayout[]): Promise<Resolver> {
  const { domain } = clusterDefaults;
  const place = await context.runClientPod(name, {
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: nodes.slice(0, 3).map(({ address }) => address),
      searches: [`default.svc.${domain}`, `svc.${domain}`, domain],
      options: [{ name: 'ndots', value: '5' }],
    },
  });
  return startResolver(context, `a Pod with ${nodes.length} of the nodes' servers`, place);
}

const answered = (resolvers: readonly Resolver[]) => Promise.all(resolvers.map(({ stream }) => stream.answered(50)));

const podName = (node: NodeLayout): string => `kube-dns-${node.name}`;

/** A Pod that is deleted, answers through its lame-duck time, and is made anew. */
async function restart(context: ProofContext, node: NodeLayout, resolvers: readonly Resolver[]): Promise<void> {
  const before = await context.client.get(Pod, podName(node), { namespace: 'kube-system' });
  await context.deletePod('kube-system', podName(node));
  await until(context.clock, `${podName(node)} is back`, () =>
    isReady(context, podName(node), ({ metadata }) => metadata.uid !== before.metadata.uid),
  );
  await answered(resolvers);
}

async function crash(context: ProofContext, node: NodeLayout, ofSeveral: Resolver): Promise<void> {
  const restarts = (pod: Pod) => pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
  const before = restarts(await context.client.get(Pod, podName(node), { namespace: 'kube-system' }));
  context.killDns(node);
  await until(context.clock, `${podName(node)} is back`, () =>
    isReady(context, podName(node), (pod) => restarts(pod) > before),
  );
  await answered([ofSeveral]);
}

/**
 * An upgrade of the one server that its client knows, and back: a successor of another configuration, in CoreDNS's place,
 * takes over the address; then the node's own takes it over again. Resolves to how many lookups there were.
 */
async function replaceOne(context: ProofContext, node: NodeLayout): Promise<number> {
  const { client, clock } = context;
  const name = `${podName(node)}-next`;
  const ofOne = await resolverOf(context, 'proof-resolver-1', [node]);
  await answered([ofOne]);
  await client.create(Pod, successor(context, node, name));
  await until(clock, `${name} is ready`, () => isReady(context, name));
  await answered([ofOne]);
  await restart(context, node, [ofOne]);
  await context.deletePod('kube-system', name);
  await until(clock, `${name} is gone`, async () => {
    const { items } = await client.list(Pod, { namespace: 'kube-system' });
    return items.every(({ metadata }) => metadata.name !== name);
  });
  await answered([ofOne]);
  return end(context, ofOne);
}

function successor({ layout }: ProofContext, node: NodeLayout, name: string) {
  const folder = path.join(layout.stateDir, 'proof');
  const corefile = path.join(folder, 'Corefile');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    corefile,
    `.:53 {
    bind ${node.address}
    ready ${node.address}:${successorPort}
    health ${node.address}:8183 {
        lameduck 3s
    }
    kubernetes ${clusterDefaults.domain} {
        kubeconfig ${layout.dnsKubeconfig}
    }
    forward . ${layout.fabric.hostAddress}
}
`,
  );
  return {
    metadata: { name, namespace: 'kube-system' },
    spec: {
      nodeName: node.name,
      hostNetwork: true,
      dnsPolicy: 'Default' as const,
      containers: [
        {
          name: 'dns',
          image: 'signalbox/dns',
          args: [`--conf=${corefile}`, '--take-over'],
          readinessProbe: { httpGet: { path: '/ready', port: successorPort }, periodSeconds: 1 },
        },
      ],
    },
  };
}

async function isReady({ client }: ProofContext, name: string, isTheOne = (_: Pod) => true): Promise<boolean> {
  const { items } = await client.list(Pod, { namespace: 'kube-system' });
  const pod = items.find(({ metadata }) => metadata.name === name);
  const ready = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return pod !== undefined && ready === true && isTheOne(pod);
}

const isRight = ({ vip }: ProofContext, { addresses }: Resolution): boolean => addresses?.join() === vip;

/** Ends the lookups, and demands that each of them from the `from`th on was answered; resolves to how many those were. */
async function end(context: ProofContext, resolver: Resolver, from = 0): Promise<number> {
  const attempts = (await resolver.stream.stop()).slice(from);
  demandNoLoss(context, resolver, attempts);
  return attempts.length;
}

function demandNoLoss(context: ProofContext, { who }: Resolver, attempts: readonly Resolution[]): void {
  const lost = attempts.filter((one) => !isRight(context, one));
  const first = `${lost[0]?.name}: ${lost[0]?.error ?? lost[0]?.addresses}`;
  const state = `${lost.length} of ${attempts.length} failed, first ${first}`;
  demand(lost.length === 0, `Every lookup of ${who} is answered while servers come and go`, state);
}
