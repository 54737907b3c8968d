import type { PortChange } from '../../diff/mod.ts';
import { endpointText } from '../../plan/mod.ts';
import { ElementDelta } from './delta.ts';
import {
  clusterIpElement,
  endpointElement,
  endpointKey,
  endpointsOf,
  frontendElement,
  hairpinElement,
  idOf,
  pickerElement,
} from './elements.ts';
import type { Shared } from './shared.ts';

/** What a set of changes does to the table: elements, and the chains that pick one of N endpoints. */
export interface CompiledChanges {
  readonly delta: ElementDelta;
  readonly pickersAdded: readonly number[];
  readonly pickersRemoved: readonly number[];
}

/** Brings `shared` up to date as well: call it once for each set of changes, in order. */
export function compileChanges(changes: readonly PortChange[], shared: Shared): CompiledChanges {
  const delta = new ElementDelta();
  for (const change of changes) {
    compileFrontends(change, delta);
    compileSlots(change, delta);
    if (change.before) shared.remove(change.before);
    if (change.after) shared.add(change.after);
  }
  const clusterIps = shared.clusterIps.settle();
  for (const address of clusterIps.appeared) delta.add(clusterIpElement(address));
  for (const address of clusterIps.vanished) delta.remove(clusterIpElement(address));
  const hairpins = shared.hairpins.settle();
  for (const address of hairpins.appeared) delta.add(hairpinElement(address));
  for (const address of hairpins.vanished) delta.remove(hairpinElement(address));
  const pickers = shared.pickers.settle();
  for (const count of pickers.appeared) delta.add(pickerElement(count));
  for (const count of pickers.vanished) delta.remove(pickerElement(count));
  return { delta, pickersAdded: pickers.appeared, pickersRemoved: pickers.vanished };
}

function compileFrontends({ before, after, ...change }: PortChange, delta: ElementDelta): void {
  for (const frontend of change.frontendsRemoved) delta.remove(frontendElement(frontend, before!));
  for (const frontend of change.frontendsAdded) delta.add(frontendElement(frontend, after!));
  if (endpointsOf(before).length === endpointsOf(after).length) return;
  for (const frontend of change.frontendsKept) {
    delta.remove(frontendElement(frontend, before!));
    delta.add(frontendElement(frontend, after!));
  }
}

function compileSlots({ before, after, slots }: PortChange, delta: ElementDelta): void {
  const id = idOf((after ?? before)!);
  for (const { slot, before: old, after: now } of slots) {
    if (old && now && endpointText(old) === endpointText(now)) continue;
    if (old) delta.remove(endpointKey(id, slot));
    if (now) delta.add(endpointElement(id, slot, now));
  }
}
