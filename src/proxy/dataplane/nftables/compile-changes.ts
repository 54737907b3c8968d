import type { PortChange } from '../../diff/mod.ts';
import { endpointText, type Frontend, type PortPlan } from '../../plan/mod.ts';
import { ElementDelta } from './delta.ts';
import {
  clusterIpElement,
  elementsOf,
  endpointElement,
  endpointKey,
  endpointsOf,
  frontendElement,
  hairpinElement,
  nodePortElement,
} from './elements.ts';
import { type CountedSet, countedSet } from './layout.ts';
import type { Shared } from './shared.ts';

/** What a set of changes does to the table: elements, and the sets for numbers of endpoints that come and go. */
export interface CompiledChanges {
  readonly delta: ElementDelta;
  readonly setsAdded: readonly CountedSet[];
  readonly setsRemoved: readonly CountedSet[];
}

/** Brings `shared` up to date as well: call it once for each set of changes, in order. */
export function compileChanges(changes: readonly PortChange[], shared: Shared): CompiledChanges {
  const delta = new ElementDelta();
  for (const change of changes) {
    const { before, after } = change;
    for (const frontend of change.frontendsRemoved) removeFrontend(frontend, before!, delta);
    for (const frontend of change.frontendsAdded) {
      for (const element of elementsOf(frontend, after!)) delta.add(element);
    }
    for (const frontend of change.frontendsKept) updateFrontend(frontend, change, delta);
    if (before) shared.remove(before);
    if (after) shared.add(after);
  }
  const clusterIps = shared.clusterIps.settle();
  for (const address of clusterIps.appeared) delta.add(clusterIpElement(address));
  for (const address of clusterIps.vanished) delta.remove(clusterIpElement(address));
  const hairpins = shared.hairpins.settle();
  for (const address of hairpins.appeared) delta.add(hairpinElement(address));
  for (const address of hairpins.vanished) delta.remove(hairpinElement(address));
  const frontends = shared.frontendCounts.settle();
  const nodePorts = shared.nodePortCounts.settle();
  const named = (frontendCounts: readonly number[], nodePortCounts: readonly number[]) => [
    ...frontendCounts.map((count) => countedSet('frontends', count)),
    ...nodePortCounts.map((count) => countedSet('node-ports', count)),
  ];
  return {
    delta,
    setsAdded: named(frontends.appeared, nodePorts.appeared),
    setsRemoved: named(frontends.vanished, nodePorts.vanished),
  };
}

function removeFrontend(frontend: Frontend, port: PortPlan, delta: ElementDelta): void {
  for (const { set, element } of elementsOf(frontend, port)) delta.remove({ set, element: { key: element.key } });
}

function updateFrontend(frontend: Frontend, { before, after, slots }: PortChange, delta: ElementDelta): void {
  if (endpointsOf(before!).length !== endpointsOf(after!).length) {
    delta.remove(frontendElement(frontend, before!));
    delta.add(frontendElement(frontend, after!));
  }
  if (frontend.kind === 'node-port') {
    const [had, has] = [endpointsOf(before!).length > 0, endpointsOf(after!).length > 0];
    if (had && !has) delta.remove(nodePortElement(frontend, before!));
    if (has && !had) delta.add(nodePortElement(frontend, after!));
  }
  for (const { slot, before: old, after: now } of slots) {
    if (old && now && endpointText(old) === endpointText(now)) continue;
    if (old) delta.remove(endpointKey(frontend, before!, slot));
    if (now) delta.add(endpointElement(frontend, after!, slot, now));
  }
}
