/**
 * A set of fields in the form in which the API shows it (FieldsV1): a tree whose branches are named by path elements
 * (`f:spec`, `k:{"name":"web"}`, `v:"a"`). A branch that is empty or holds `.` is a member; what else it holds are
 * members beneath it. The tree's root itself is none. Values are never changed in place, so that they can be shared.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set while it is built. */
export interface Branches {
  [element: string]: FieldSet;
}

const self = '.';
export const leaf: FieldSet = Object.freeze({});
export const noFields: FieldSet = Object.freeze({});

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

/** Whether the element that this branch stands for is itself in the set. */
export const isMember = (branch: FieldSet): boolean => isEmptySet(branch) || self in branch;

/** Undefined: nothing is in it. */
export function branchOf(member: boolean, branches: FieldSet): FieldSet | undefined {
  if (isEmptySet(branches)) return member ? leaf : undefined;
  return member ? { [self]: leaf, ...branches } : branches;
}

/** Which members an operation keeps, by the sets that they are in. */
interface Operation {
  readonly both: boolean;
  readonly onlyA: boolean;
  readonly onlyB: boolean;
}

const combine = (operation: Operation) => (a: FieldSet, b: FieldSet) => combineBranches(operation, a, b);

export const union = combine({ both: true, onlyA: true, onlyB: true });
export const intersection = combine({ both: true, onlyA: false, onlyB: false });
export const difference = combine({ both: false, onlyA: true, onlyB: false });

function combineBranches(operation: Operation, a: FieldSet, b: FieldSet): FieldSet {
  const combined: Branches = {};
  for (const element in a) {
    if (element === self) continue;
    const branch = combineBranch(operation, a[element]!, b[element]);
    if (branch) combined[element] = branch;
  }
  if (!operation.onlyB) return combined;
  for (const element in b) if (element !== self && !(element in a)) combined[element] = b[element]!;
  return combined;
}

function combineBranch(operation: Operation, a: FieldSet, b: FieldSet | undefined): FieldSet | undefined {
  if (!b) return operation.onlyA ? a : undefined;
  const [inA, inB] = [isMember(a), isMember(b)];
  const member = inA ? (inB ? operation.both : operation.onlyA) : inB && operation.onlyB;
  return branchOf(member, combineBranches(operation, a, b));
}

/** Leaves out the members of `dropped` with all that is beneath them. */
export function without(set: FieldSet, dropped: FieldSet): FieldSet {
  const kept: Branches = {};
  for (const [element, branch] of Object.entries(set)) {
    const drop = element === self ? undefined : dropped[element];
    if (drop && isMember(drop)) continue;
    const left = drop ? branchOf(isMember(branch), withoutSelf(without(branch, drop))) : branch;
    if (left) kept[element] = left;
  }
  return kept;
}

function withoutSelf({ [self]: _, ...branches }: FieldSet): FieldSet {
  return branches;
}

/** The paths of all members, each a list of elements. */
export function* pathsIn(set: FieldSet): Generator<readonly string[]> {
  for (const [element, branch] of Object.entries(set)) {
    if (element === self) continue;
    if (isMember(branch)) yield [element];
    for (const path of pathsIn(branch)) yield [element, ...path];
  }
}

/** Undefined: no set. The elements' JSON is brought into the form in which it is compared here. */
export function parseFieldSet(value: unknown): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const parsed: Branches = {};
  for (const [element, branch] of Object.entries(value)) {
    const name = element === self ? self : parseElement(element);
    const set = parseFieldSet(branch);
    if (name === undefined || set === undefined) return undefined;
    parsed[name] = set;
  }
  return parsed;
}

function parseElement(element: string): string | undefined {
  const kind = element.slice(0, 2);
  if (kind === 'f:' || kind === 'i:') return element;
  if (kind !== 'k:' && kind !== 'v:') return undefined;
  try {
    const value = JSON.parse(element.slice(2));
    return kind === 'k:' ? keyElement(value) : valueElement(value);
  } catch {
    return undefined;
  }
}

export const fieldElement = (name: string): string => `f:${name}`;
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;
export const keyElement = (keys: Readonly<Record<string, unknown>>): string =>
  `k:${JSON.stringify(Object.fromEntries(Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1))))}`;

/** As upstream prints it: `.spec.ports[port=80,protocol="TCP"].name`. */
export const printPath = (path: readonly string[]): string => path.map(printElement).join('');

function printElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('i:')) return `[${text}]`;
  const keys = Object.entries(JSON.parse(text)).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${keys.join(',')}]`;
}
