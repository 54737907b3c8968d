import { Pod, Service } from '../../kube/mod.ts';
import { sendRequests, startStream } from '../traffic.ts';
import { until } from '../wait.ts';
import { type Check, demand, endUnharmed, failuresOf, type ProofContext } from './context.ts';

export const proxyCrash: Check = {
  title: 'every service proxy is killed with -9 and comes back; no connection is interrupted',
  async run(context) {
    const stream = startStream(context.clientPod, `http://${context.vip}/`, 5);
    await stream.answered(20);
    const killed = await context.killProxies();
    demand(killed === context.layout.nodes.length, 'There is a proxy on every node', `${killed} were found`);
    await stream.answered(200);
    await until(context.clock, 'the proxies are back', () => context.proxiesAreBack(killed));
    await stream.answered(100);
    const made = await endUnharmed(stream, 'the proxies are down and while they start');
    return `${killed} proxies, ${made} connections, none failed`;
  },
};

export const serverCrash: Check = {
  title: 'the API server is killed with -9 and comes back with the same data; traffic does not notice',
  async run(context) {
    const { client, clock } = context;
    const before = await identities(context);
    const stream = startStream(context.clientPod, `http://${context.vip}/`, 5);
    await stream.answered(20);
    context.killServer();
    await stream.answered(50);
    const after = await until(clock, 'the API server answers', () => identities(context));
    for (const [object, identity] of before) {
      demand(after.get(object) === identity, `${object} is what it was (${identity})`, after.get(object) ?? 'gone');
    }
    await client.create(Service, {
      metadata: { name: 'after-restart', namespace: 'default' },
      spec: { selector: { app: context.serviceName }, ports: [{ port: 80, targetPort: 9376 }] },
    });
    const { spec } = await client.get(Service, 'after-restart', { namespace: 'default' });
    await until(clock, 'a new Service works', async () => {
      const attempts = await sendRequests(context.clientPod, `http://${spec.clusterIP}/`, 10);
      return failuresOf(attempts).length === 0;
    });
    const made = await endUnharmed(stream, 'the API server is down and starts');
    await client.delete(Service, 'after-restart', { namespace: 'default' });
    return `${before.size} Pods and Services unchanged, ${made} connections, none failed, a new Service works`;
  },
};

/** What must outlive the server: each Pod's uid and address, each Service's uid, VIP and node ports. */
async function identities({ client }: ProofContext): Promise<Map<string, string>> {
  const pods = await client.list(Pod);
  const services = await client.list(Service);
  return new Map([
    ...pods.items.map(({ metadata, status }): [string, string] => [
      `Pod ${metadata.namespace}/${metadata.name}`,
      `${metadata.uid} ${status?.podIP}`,
    ]),
    ...services.items.map(({ metadata, spec }): [string, string] => [
      `Service ${metadata.namespace}/${metadata.name}`,
      `${metadata.uid} ${spec.clusterIP} ${(spec.ports ?? []).map(({ nodePort }) => nodePort ?? '-').join()}`,
    ]),
  ]);
}
