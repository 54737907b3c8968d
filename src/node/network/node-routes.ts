import path from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type Kernel, type ListedRoute, NetworkAdmin } from '../../kernel/mod.ts';
import type { Node } from '../../kube/mod.ts';
import { readIfPresent, writeAtomic } from '../files.ts';
import { parseCidr } from './address-pool.ts';

/** Pod range → the address of the node that has it. */
export type NodeRoutes = ReadonlyMap<string, string>;

/** What the Node objects say, this node left out. */
export function routesTo(nodes: Iterable<Node>, ownName: string): NodeRoutes {
  const routes = new Map<string, string>();
  for (const { metadata, spec, status } of nodes) {
    const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const range = spec.podCIDR;
    if (metadata.name !== ownName && address !== undefined && range !== undefined && parseCidr(range)) {
      routes.set(range, address);
    }
  }
  return routes;
}

/**
 * Keeps the kernel's routes to the other nodes' Pods. `routes.json` lists the destinations that are ours to take away
 * again; it names a route before the kernel has it.
 */
export class NodeRouter {
  readonly #network: NetworkAdmin;
  readonly #log: Logger;
  readonly #file: string;
  #ours: readonly string[];

  constructor(kernel: Kernel, stateDir: string, log: Logger) {
    this.#network = new NetworkAdmin(kernel);
    this.#log = log;
    this.#file = routeFile(stateDir);
    this.#ours = JSON.parse(readIfPresent(this.#file) ?? '[]');
  }

  /** False when a route could not be made: try again later. */
  apply(wanted: NodeRoutes): boolean {
    const stale = this.#ours.filter((destination) => !wanted.has(destination));
    for (const destination of stale) this.#remove(destination);
    this.#keep([...wanted.keys()]);
    const there = this.#network.listRoutes();
    const missing = [...wanted].filter(([destination, gateway]) => !hasRoute(there, destination, gateway));
    return missing.map(([destination, gateway]) => this.#add(destination, gateway)).every((done) => done);
  }

  close(): void {
    this.#network.close();
  }

  #remove(destination: string): void {
    this.#network.ensureNoRoute({ destination });
    this.#log.info('Removed the route to a node', { destination });
  }

  #add(destination: string, gateway: string): boolean {
    try {
      this.#network.replaceRoute({ destination, gateway });
      this.#log.info('Added the route to a node', { destination, gateway });
      return true;
    } catch (error) {
      this.#log.warn('No route to a node', { destination, gateway, because: messageOf(error) });
      return false;
    }
  }

  #keep(destinations: readonly string[]): void {
    if (String(destinations) === String(this.#ours)) return;
    writeAtomic(this.#file, JSON.stringify(destinations));
    this.#ours = destinations;
  }
}

export const routeFile = (stateDir: string): string => path.join(stateDir, 'routes.json');

const hasRoute = (routes: readonly ListedRoute[], destination: string, gateway: string) =>
  routes.some((route) => route.destination === destination && route.gateway === gateway);
