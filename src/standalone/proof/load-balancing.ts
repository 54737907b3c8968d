import { sendRequests } from '../traffic.ts';
import { type Check, countAnswers, demand, failuresOf, podsOf } from './context.ts';

const connections = 300;
const leastShare = 0.2;

export const loadBalancing: Check = {
  title: `${connections} connections through the VIP spread over every Pod`,
  async run(context) {
    const attempts = await sendRequests(context.clientPod, `http://${context.vip}/`, connections);
    const failures = failuresOf(attempts);
    demand(failures.length === 0, 'All are answered', `${failures.length} failed, first: ${failures[0]?.error}`);
    demand(attempts.length === connections, `${connections} were made`, `${attempts.length}`);
    const pods = (await podsOf(context, context.serviceName)).map((pod) => pod.metadata.name).sort();
    const counts = countAnswers(attempts);
    const seen = [...counts]
      .map(([pod, count]) => `${pod} ${count}`)
      .sort()
      .join(', ');
    demand([...counts.keys()].sort().join() === pods.join(), 'Just the Pods of the Service answer', seen);
    const least = Math.min(...counts.values());
    demand(least >= leastShare * connections, `Every Pod answers at least ${leastShare * 100} %`, seen);
    return seen;
  },
};
