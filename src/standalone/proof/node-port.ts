import { Service } from '../../kube/mod.ts';
import { sendRequests } from '../traffic.ts';
import { type Check, demand, failuresOf, podsOf } from './context.ts';
import { switchable } from './readiness.ts';

export const nodePort: Check = {
  title: 'a client outside the cluster reaches a NodePort on every node, also where no such Pod runs',
  async run(context) {
    const { spec } = await context.client.get(Service, switchable.name, { namespace: 'default' });
    const port = spec.ports?.[0]?.nodePort;
    demand(port !== undefined, 'The Service has a node port', 'none');
    const hosting = new Set((await podsOf(context, switchable.name)).map((pod) => pod.spec.nodeName));
    const without = context.layout.nodes.filter((node) => !hosting.has(node.name));
    const isPossible = context.layout.nodes.length > switchable.replicas;
    demand(without.length > 0 || !isPossible, 'Some node runs no such Pod', `all of ${[...hosting].join(', ')} do`);
    for (const node of context.layout.nodes) {
      const attempts = await sendRequests(context.outside, `http://${node.address}:${port}/`, 20);
      const failures = failuresOf(attempts);
      demand(
        failures.length === 0,
        `${node.name} answers on port ${port}`,
        `${failures.length} of 20 failed: ${failures[0]?.error}`,
      );
    }
    const names = without.map(({ name }) => name).join(', ') || 'no node: each runs one';
    return `port ${port} on all nodes (${context.layout.nodes.length}); no Pod on ${names}`;
  },
};
