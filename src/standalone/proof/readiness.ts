import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Deployment, Service } from '../../kube/mod.ts';
import { sendRequests } from '../traffic.ts';
import { until } from '../wait.ts';
import {
  type Check,
  countAnswers,
  demand,
  failuresOf,
  type ProofContext,
  podsOf,
  readyAddresses,
  readyEndpoints,
  vipOf,
} from './context.ts';

/** A Deployment whose Pods are ready as long as a file of their name is absent; the NodePort check uses it too. */
export const switchable = { name: 'switchable', replicas: 2 } as const;

const switchFolder = (context: ProofContext) => path.join(context.layout.stateDir, 'proof');

export async function createSwitchable(context: ProofContext): Promise<void> {
  const folder = switchFolder(context);
  mkdirSync(folder, { recursive: true });
  const labels = { app: switchable.name };
  await context.client.create(Deployment, {
    metadata: { name: switchable.name, namespace: 'default' },
    spec: {
      replicas: switchable.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: switchable.name,
              image: 'registry.k8s.io/serve_hostname',
              ports: [{ containerPort: 9376 }],
              readinessProbe: {
                exec: { command: ['sh', '-c', `test ! -e ${folder}/$(uname -n)`] },
                periodSeconds: 1,
                failureThreshold: 1,
              },
            },
          ],
        },
      },
    },
  });
  await context.client.create(Service, {
    metadata: { name: switchable.name, namespace: 'default' },
    spec: { type: 'NodePort', selector: labels, ports: [{ port: 80, targetPort: 9376 }] },
  });
  await readyEndpoints(context, switchable.name, switchable.replicas);
}

export const readiness: Check = {
  title: 'a Pod that is running but not ready gets no new connection until it recovers',
  async run(context) {
    const vip = await vipOf(context, switchable.name);
    const [pod] = await podsOf(context, switchable.name);
    const name = pod?.metadata.name ?? '';
    const address = pod?.status?.podIP ?? '';
    const file = path.join(switchFolder(context), name);
    await until(context.clock, `${name} answers`, async () => answers(context, vip, name));
    writeFileSync(file, '');
    await until(context.clock, `${address} has left the endpoints`, async () => {
      return !(await readyAddresses(context, switchable.name)).includes(address);
    });
    await until(context.clock, 'the proxies have heard of it', async () => !(await answers(context, vip, name)));
    const attempts = await sendRequests(context.clientPod, `http://${vip}/`, 200);
    demand(failuresOf(attempts).length === 0, 'All 200 connections are answered', `${failuresOf(attempts)[0]?.error}`);
    demand(!countAnswers(attempts).has(name), `${name} gets none of them`, `${countAnswers(attempts).get(name)}`);
    const still = (await podsOf(context, switchable.name)).find((other) => other.metadata.name === name);
    demand(still?.status?.phase === 'Running', `${name} is still running`, `${still?.status?.phase}`);
    rmSync(file);
    await readyEndpoints(context, switchable.name, switchable.replicas);
    await until(context.clock, `${name} answers again`, async () => answers(context, vip, name));
    return `${name} left, got 0 of 200 connections, and came back`;
  },
};

/** Whether this Pod is among those that answer; missing one of two forty times by chance is 1 in 10¹². */
async function answers(context: ProofContext, vip: string, pod: string): Promise<boolean> {
  return countAnswers(await sendRequests(context.clientPod, `http://${vip}/`, 40)).has(pod);
}
