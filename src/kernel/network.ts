import { closeSync, openSync } from 'node:fs';
import {
  type BridgePort,
  decodeAddress,
  decodeLink,
  decodeRoute,
  encodeAddAddress,
  encodeAddRoute,
  encodeChangeLink,
  encodeCreateLink,
  encodeDeleteAddress,
  encodeDeleteLink,
  encodeDeleteRoute,
  encodeDumpAddresses,
  encodeDumpLinks,
  encodeDumpRoutes,
  encodeGetLink,
  encodeReplaceRoute,
  isIpRoute,
  type Link,
  type LinkAddress,
  type LinkChange,
  type NewRoute,
  RouteTable,
} from '../wire/rtnetlink/mod.ts';
import { isKernelError } from './errors.ts';
import { fileCall, kernelError } from './libc.ts';
import type { Kernel } from './port.ts';
import { NetlinkRequests } from './requests.ts';
import { describeRoute, hasKeyOf, isEqualRoute, type ListedRoute, type RouteSpec } from './route-spec.ts';

export interface VethPair {
  readonly name: string;
  readonly peerName: string;
  /** Path of the namespace that the peer is created in; default: this one. */
  readonly peerNetns?: string;
  readonly mtu?: number;
}

export type ListedAddress = LinkAddress & { readonly device: string | undefined };

const EEXIST = 17;
const ENODEV = 19;

/**
 * Links, addresses and routes of one network namespace. Every method is done when it returns; each throws KernelError
 * with the object in its operation: `Create link sb-demo: EEXIST: …`. The `ensure…` forms take an equal object that is
 * there already for success and refuse a different one.
 */
export class NetworkAdmin {
  readonly #kernel: Kernel;
  readonly #requests: NetlinkRequests;

  /** Opens its socket in the namespace of path `netns`, or in the caller's; `close` gives it back. */
  constructor(kernel: Kernel, options: { readonly netns?: string } = {}) {
    this.#kernel = kernel;
    this.#requests = new NetlinkRequests(kernel.openNetlink('route', options));
  }

  close(): void {
    this.#requests.close();
  }

  // Links

  /** `address` as `02:00:00:00:00:01`; by default the bridge takes the lowest of its ports'. Its mtu is its smallest port's. */
  createBridge(name: string, options: { readonly address?: string } = {}): void {
    this.#requests.change(`Create link ${name}`, (batch) =>
      encodeCreateLink(batch, { ...options, name, kind: 'bridge' }),
    );
  }

  /** Both ends are down, and exist or do not exist together. */
  createVethPair({ name, peerName, peerNetns, mtu }: VethPair): void {
    const operation = `Create link ${name} with peer ${peerName}`;
    const create = (fd?: number) =>
      this.#requests.change(operation, (batch) =>
        encodeCreateLink(batch, {
          name,
          kind: 'veth',
          mtu,
          peer: { name: peerName, mtu, ...(fd !== undefined && { netns: { fd } }) },
        }),
      );
    if (peerNetns === undefined) create();
    else withOpenFile(operation, peerNetns, create);
  }

  ensureBridge(name: string, options: { readonly address?: string } = {}): void {
    const there = this.findLink(name);
    if (!there) this.createBridge(name, options);
    else if (there.kind !== 'bridge') {
      throw kernelError(`Create link ${name}`, EEXIST, `there is a ${there.kind ?? 'device'} of that name`);
    }
  }

  ensureVethPair(pair: VethPair): void {
    const there = this.findLink(pair.name);
    if (!there) this.createVethPair(pair);
    else if (!this.#isPair(there, pair)) {
      const state = `there is a ${there.kind ?? 'device'} of that name, whose peer is not ${pair.peerName}`;
      throw kernelError(`Create link ${pair.name} with peer ${pair.peerName}`, EEXIST, state);
    }
  }

  setUp(name: string): void {
    this.#changeLink(`Set link ${name} up`, name, { up: true });
  }

  setDown(name: string): void {
    this.#changeLink(`Set link ${name} down`, name, { up: false });
  }

  setMtu(name: string, mtu: number): void {
    this.#changeLink(`Set mtu ${mtu} of link ${name}`, name, { mtu });
  }

  /** `02:00:00:00:00:01`. */
  setLinkAddress(name: string, address: string): void {
    this.#changeLink(`Set address ${address} of link ${name}`, name, { address });
  }

  /** Puts the link into a bridge, or out of the one that it is in. */
  setMaster(name: string, master: string | undefined): void {
    const operation = `Set master of link ${name} to ${master ?? 'none'}`;
    this.#changeLink(operation, name, { master: master === undefined ? 0 : this.#indexOf(operation, master) });
  }

  /** The link must be in a bridge. */
  setBridgePort(name: string, port: Partial<BridgePort>): void {
    this.#changeLink(`Configure bridge port ${name}`, name, { bridgePort: port });
  }

  /** Down links only, on kernels before 6.2. */
  renameLink(name: string, newName: string): void {
    const operation = `Rename link ${name} to ${newName}`;
    const index = this.#indexOf(operation, name);
    this.#requests.change(operation, (batch) => encodeChangeLink(batch, { index }, { name: newName }));
  }

  /** Moves the link to another namespace; it is down there and without addresses. */
  moveLink(name: string, netns: string): void {
    const operation = `Move link ${name} to ${netns}`;
    withOpenFile(operation, netns, (fd) => this.#changeLink(operation, name, { netns: { fd } }));
  }

  deleteLink(name: string): void {
    this.#requests.change(`Delete link ${name}`, (batch) => encodeDeleteLink(batch, { name }));
  }

  /** True when there was one. */
  ensureNoLink(name: string): boolean {
    return succeedsUnless('ENODEV', () => this.deleteLink(name));
  }

  findLink(name: string): Link | undefined {
    try {
      return this.#requests.get(`Look at link ${name}`, (batch) => encodeGetLink(batch, { name })).map(decodeLink)[0];
    } catch (error) {
      if (isKernelError(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  listLinks(): Link[] {
    return this.#requests.dump('List links', encodeDumpLinks).map(decodeLink);
  }

  // Addresses

  /** `address` with the length of its network: `10.244.1.1/24`. */
  addAddress(device: string, address: string): void {
    const operation = `Add address ${address} to link ${device}`;
    const index = this.#indexOf(operation, device);
    this.#requests.change(operation, (batch) => encodeAddAddress(batch, index, address));
  }

  ensureAddress(device: string, address: string): void {
    succeedsUnless('EEXIST', () => this.addAddress(device, address));
  }

  deleteAddress(device: string, address: string): void {
    const operation = `Delete address ${address} of link ${device}`;
    const index = this.#indexOf(operation, device);
    this.#requests.change(operation, (batch) => encodeDeleteAddress(batch, index, address));
  }

  listAddresses(): ListedAddress[] {
    const names = this.#linkNames();
    return this.#requests
      .dump('List addresses', encodeDumpAddresses)
      .map(decodeAddress)
      .map((address) => ({ ...address, device: names.get(address.index) }));
  }

  // Routes

  addRoute(route: RouteSpec): void {
    const operation = `Add route ${describeRoute(route)}`;
    const encoded = this.#withIndex(operation, route);
    this.#requests.change(operation, (batch) => encodeAddRoute(batch, encoded));
  }

  /** Puts the route in place of the one of its destination, priority and table, if there is one. */
  replaceRoute(route: RouteSpec): void {
    const operation = `Replace route ${describeRoute(route)}`;
    const encoded = this.#withIndex(operation, route);
    this.#requests.change(operation, (batch) => encodeReplaceRoute(batch, encoded));
  }

  ensureRoute(route: RouteSpec): void {
    if (succeedsUnless('EEXIST', () => this.addRoute(route))) return;
    const same = this.listRoutes(route.table).filter((there) => hasKeyOf(there, route));
    if (same.some((there) => isEqualRoute(there, route))) return;
    const state = same.map((there) => `there is ${describeRoute(there)}`).join(', ');
    throw kernelError(`Add route ${describeRoute(route)}`, EEXIST, state || undefined);
  }

  /** The first route that has what is given; only the destination is needed. */
  deleteRoute(route: RouteSpec): void {
    const operation = `Delete route ${describeRoute(route)}`;
    const encoded = this.#withIndex(operation, route);
    this.#requests.change(operation, (batch) => encodeDeleteRoute(batch, encoded));
  }

  /** True when there was one. */
  ensureNoRoute(route: RouteSpec): boolean {
    return succeedsUnless('ESRCH', () => this.deleteRoute(route));
  }

  /** IPv4 and IPv6 routes of one table, by default the main one. */
  listRoutes(table: number = RouteTable.main): ListedRoute[] {
    const names = this.#linkNames();
    return this.#requests
      .dump('List routes', (batch) => encodeDumpRoutes(batch, table))
      .filter(isIpRoute)
      .map(decodeRoute)
      .filter((route) => route.table === table)
      .map((route) => ({ ...route, device: route.index === undefined ? undefined : names.get(route.index) }));
  }

  #changeLink(operation: string, name: string, change: LinkChange): void {
    this.#requests.change(operation, (batch) => encodeChangeLink(batch, { name }, change));
  }

  #indexOf(operation: string, name: string): number {
    const link = this.findLink(name);
    if (!link) throw kernelError(operation, ENODEV, `there is no link ${name}`);
    return link.index;
  }

  #withIndex(operation: string, { device, ...route }: RouteSpec): NewRoute {
    return device === undefined ? route : { ...route, index: this.#indexOf(operation, device) };
  }

  #linkNames(): Map<number, string> {
    return new Map(this.listLinks().map(({ index, name }) => [index, name]));
  }

  #isPair(link: Link, { peerName, peerNetns }: VethPair): boolean {
    if (link.kind !== 'veth') return false;
    const there = peerNetns === undefined ? this : new NetworkAdmin(this.#kernel, { netns: peerNetns });
    try {
      const peer = there.findLink(peerName);
      return peer?.kind === 'veth' && peer.index === link.link && peer.link === link.index;
    } finally {
      if (there !== this) there.close();
    }
  }
}

/** False when the action fails with `code`; other errors pass. */
function succeedsUnless(code: string, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (isKernelError(error, code)) return false;
    throw error;
  }
}

function withOpenFile(operation: string, path: string, action: (fd: number) => void): void {
  const fd = fileCall(operation, () => openSync(path, 'r'));
  try {
    action(fd);
  } finally {
    closeSync(fd);
  }
}
