import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer } from '../../client/mod.ts';
import type { Node } from '../../kube/mod.ts';
import { type NodeRouter, routesTo } from './node-routes.ts';

export interface RouteKeeperParts {
  readonly router: Pick<NodeRouter, 'apply'>;
  readonly nodes: Pick<Informer<Node>, 'hasSynced' | 'list' | 'onChange' | 'synced'>;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export const routeRetryMs = 2000;
/** The kernel drops a link's routes when it goes down, and nobody puts them back when it comes up again. */
export const routeCheckMs = 5000;

/** Keeps the routes as the Nodes say, also when something else takes them away. The result ends it. */
export function keepRoutes({ router, nodes, nodeName, clock, log }: RouteKeeperParts): Cancel {
  let cancel: Cancel = () => {};
  let stopped = false;
  const apply = () => {
    cancel();
    // Before the first list is complete, a node that was not heard of yet would lose its route.
    if (stopped || !nodes.hasSynced) return;
    cancel = clock.schedule(tryRoutes() ? routeCheckMs : routeRetryMs, apply);
  };
  const tryRoutes = () => {
    try {
      return router.apply(routesTo(nodes.list(), nodeName));
    } catch (error) {
      log.warn('Routes to the nodes are not as they should be', { because: messageOf(error) });
      return false;
    }
  };
  let known = '';
  nodes.onChange(() => {
    const wanted = JSON.stringify([...routesTo(nodes.list(), nodeName)]);
    if (wanted === known) return;
    known = wanted;
    apply();
  });
  void nodes.synced.then(apply);
  return () => {
    stopped = true;
    cancel();
  };
}
