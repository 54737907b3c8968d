import { isAlreadyExists, isNotFound } from '../../client/mod.ts';
import { Namespace, ServiceAccount } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';

/** The account that a Pod gets when it names none. */
const defaultName = 'default';

/** Keeps the ServiceAccount `default` in every namespace; keys are Namespaces. */
export function startServiceAccountController(context: ControllerContext): StopController {
  const { client, informers } = context;
  const namespaces = informers.of(Namespace);
  const accounts = informers.of(ServiceAccount);
  const loop = new ControllerLoop(context, { name: 'serviceaccount', sync });

  namespaces.onChange(({ key, after }) => {
    if (after) loop.add(key);
  });
  accounts.onChange(({ before, after }) => {
    if (!after && before?.metadata.name === defaultName) loop.add(before.metadata.namespace!);
  });

  async function sync(name: string): Promise<void> {
    const namespace = namespaces.get(name);
    if (!namespace || namespace.metadata.deletionTimestamp || accounts.get(`${name}/${defaultName}`)) return;
    const metadata = { name: defaultName, namespace: name };
    try {
      loop.wrote(name, accounts, await client.create(ServiceAccount, { metadata }));
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    }
  }

  return () => loop.stop();
}
