import { clusterDefaults } from '../layout.ts';
import { resolveNames } from '../traffic.ts';
import { type Check, demand, podsOf } from './context.ts';

export const names: Check = {
  title: 'the name resolves in a Pod to exactly the VIP',
  async run({ clientPod, serviceName, vip }) {
    const forms = [serviceName, `${serviceName}.default`, `${serviceName}.default.svc.${clusterDefaults.domain}`];
    for (const { name, addresses, error } of await resolveNames(clientPod, forms)) {
      demand(addresses?.join() === vip, `${name} is ${vip}`, error ?? addresses?.join() ?? '');
    }
    const [unknown] = await resolveNames(clientPod, [`no-such-service.default.svc.${clusterDefaults.domain}`]);
    demand(unknown?.addresses === undefined, 'An unknown name has no address', String(unknown?.addresses));
    return forms.join(', ');
  },
};

export const noPing: Check = {
  title: 'ping to the VIP gets no answer, since no device owns it',
  async run(context) {
    const [pod] = await podsOf(context, context.serviceName);
    const podAddress = pod?.status?.podIP ?? '';
    demand(await context.ping(context.clientPod, podAddress), `ping to a Pod (${podAddress}) is answered`, 'no answer');
    demand(
      !(await context.ping(context.clientPod, context.vip)),
      `ping to ${context.vip} is not answered`,
      'an answer',
    );
    return `${podAddress} answers, ${context.vip} does not`;
  },
};
