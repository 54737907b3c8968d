import type { PortChange } from '../../diff/mod.ts';
import { type Endpoint, endpointText, type Frontend, type TrafficPolicy } from '../../plan/mod.ts';
import { seat, type TableState } from './compile-table.ts';
import { ElementDelta } from './delta.ts';
import { endpointElement, endpointKey, frontendKey, type PlacedElement } from './elements.ts';
import type { Numbers, Rows } from './numbers.ts';
import { endpointsMap, type Pool } from './pools.ts';
import { endpointsOf, frontendElements, isSticky, poolsOf, type SeatedPort } from './port-elements.ts';
import type { Shape } from './shape.ts';

/** What a set of changes does to the table. */
export interface CompiledChanges {
  readonly delta: ElementDelta;
  /** The shape before and after, when it is another: then there are sets and rules to change as well. */
  readonly reshaped?: { readonly before: Shape; readonly after: Shape };
}

/** Brings `state` up to date as well: call it once for each set of changes, in order. */
export function compileChanges(changes: readonly PortChange[], state: TableState): CompiledChanges {
  const { shared } = state;
  const delta = new ElementDelta();
  const before = shared.shape;
  for (const change of changes) compileChange(change, state, delta);
  const { appeared, vanished, isReshaped } = shared.settle();
  delta.removeAll(vanished);
  delta.addAll(appeared);
  return { delta, ...(isReshaped && { reshaped: { before, after: shared.shape } }) };
}

function compileChange(change: PortChange, { shared, numbers }: TableState, delta: ElementDelta): void {
  const before = change.before && known(change.before, numbers);
  const after = change.after && seat(change.after, numbers);
  if (change.before && !(change.after && isSticky(change.after))) numbers.forget(change.before);
  for (const { before: old, after: now } of change.slots) {
    if (old) shared.useEndpoint(old, -1);
    if (now) shared.useEndpoint(now, 1);
  }
  for (const frontend of change.frontendsRemoved) shared.useFrontend(frontend, -1);
  for (const frontend of change.frontendsAdded) shared.useFrontend(frontend, 1);
  const replace = (frontend: Frontend, old: SeatedPort | undefined, now: SeatedPort | undefined): void => {
    const [removed, added] = difference(
      old ? frontendElements(frontend, old) : [],
      now ? frontendElements(frontend, now) : [],
    );
    for (const element of removed) shared.useElement(element, -1);
    for (const element of added) shared.useElement(element, 1);
    delta.removeAll(removed);
    delta.addAll(added);
    compileRows(frontend, old, now, change, delta);
  };
  for (const frontend of change.frontendsRemoved) replace(frontend, before, undefined);
  for (const frontend of change.frontendsAdded) replace(frontend, undefined, after);
  const onlyRows = before && after && haveSameElements(change, before, after);
  for (const frontend of change.frontendsKept) {
    if (onlyRows) compileRows(frontend, before, after, change, delta);
    else replace(frontend, before, after);
  }
}

/** One endpoint for another is what happens most: what stands for the frontends themselves depends on how many there are. */
function haveSameElements({ aspects }: PortChange, before: SeatedPort, after: SeatedPort): boolean {
  if (aspects.size > 0 || isSticky(before.port) || isSticky(after.port)) return false;
  return policies.every((policy) => before.rows[policy].length === after.rows[policy].length);
}

const policies: readonly TrafficPolicy[] = ['Cluster', 'Local'];

/** As the table has it at the moment. */
function known(port: SeatedPort['port'], numbers: Numbers): SeatedPort {
  const rowsOf = (policy: TrafficPolicy): Rows =>
    isSticky(port) ? numbers.of(port, policy) : endpointsOf(port, policy);
  return { port, rows: { Cluster: rowsOf('Cluster'), Local: rowsOf('Local') } };
}

/** These sets have no data: an element is there or not. */
function difference(before: PlacedElement[], after: PlacedElement[]): [PlacedElement[], PlacedElement[]] {
  const nameOf = ({ set, element }: PlacedElement) => `${set} ${element.key.toString('latin1')}`;
  const [had, has] = [new Set(before.map(nameOf)), new Set(after.map(nameOf))];
  return [before.filter((one) => !has.has(nameOf(one))), after.filter((one) => !had.has(nameOf(one)))];
}

function compileRows(
  frontend: Frontend,
  before: SeatedPort | undefined,
  after: SeatedPort | undefined,
  change: PortChange,
  delta: ElementDelta,
): void {
  const old = before ? poolsOf(frontend, before.port) : [];
  const now = after ? poolsOf(frontend, after.port) : [];
  const key = frontendKey(frontend, (after ?? before)!.port);
  for (const pool of new Set([...old, ...now].map((used) => used.pool))) {
    const was = old.find((used) => used.pool === pool)?.policy;
    const is = now.find((used) => used.pool === pool)?.policy;
    const asPlanned = before && after && was === is && !isSticky(before.port) && !isSticky(after.port);
    const rows = asPlanned
      ? change.slots.flatMap(({ policy, slot, ...pair }) => (policy === is ? [{ row: slot, ...pair }] : []))
      : rowChanges(was ? before!.rows[was] : [], is ? after!.rows[is] : []);
    for (const one of rows) compileRow(pool, key, one, delta);
  }
}

interface RowChange {
  readonly row: number;
  readonly before?: Endpoint | undefined;
  readonly after?: Endpoint | undefined;
}

function* rowChanges(before: Rows, after: Rows): Generator<RowChange> {
  for (let row = 0; row < Math.max(before.length, after.length); row++) {
    if (before[row] !== after[row]) yield { row, before: before[row], after: after[row] };
  }
}

function compileRow(pool: Pool, key: Buffer, { row, before, after }: RowChange, delta: ElementDelta): void {
  if (before && after && endpointText(before) === endpointText(after)) return;
  if (before) delta.remove(endpointsMap(pool), { key: endpointKey(key, row) });
  if (!after) return;
  const { set, element } = endpointElement(pool, key, row, after);
  delta.add(set, element);
}
