import { startStream } from '../traffic.ts';
import { until } from '../wait.ts';
import {
  type Check,
  demand,
  endpointAddresses,
  endUnharmed,
  podsOf,
  readyAddresses,
  readyEndpoints,
  vipOf,
} from './context.ts';

export const podReplacement: Check = {
  title: 'a deleted Pod comes back with a new IP; the VIP stays and no connection fails',
  async run(context) {
    const { clock, serviceName, vip } = context;
    const before = await readyAddresses(context, serviceName);
    const [victim] = await podsOf(context, serviceName);
    const oldAddress = victim?.status?.podIP ?? '';
    const stream = startStream(context.clientPod, `http://${vip}/`, 5);
    await stream.answered(20);
    await context.deletePod('default', victim?.metadata.name ?? '');
    await until(clock, `${oldAddress} has left the endpoints`, async () => {
      return !(await readyAddresses(context, serviceName)).includes(oldAddress);
    });
    const after = await readyEndpoints(context, serviceName, before.length);
    await until(clock, 'the Endpoints object says the same', async () => {
      return (await endpointAddresses(context, serviceName)).join() === after.join();
    });
    await stream.answered(100);
    await until(clock, 'the old Pod is gone', async () => {
      return (await podsOf(context, serviceName)).every((pod) => pod.metadata.uid !== victim?.metadata.uid);
    });
    const made = await endUnharmed(stream, 'a Pod is replaced');
    const [newAddress] = after.filter((address) => !before.includes(address));
    demand(newAddress !== undefined, 'The new Pod has a new IP', `endpoints are ${after.join(', ')}`);
    const vipNow = await vipOf(context, serviceName);
    demand(vipNow === vip, `The VIP is still ${vip}`, vipNow);
    return `${oldAddress} → ${newAddress}, ${made} connections, none failed`;
  },
};
