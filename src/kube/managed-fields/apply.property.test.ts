import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type KubeObject, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { atomic, integer, list, map, mergeList, object, required, setList, string } from '../schema.ts';
import { applyConfiguration } from './apply.ts';
import { readEntries } from './entries.ts';
import { pathsIn } from './field-set.ts';
import { ownershipAfterUpdate } from './ownership.ts';

/**
 * The same operations on the real thing and on a model that knows no trees: an object is a list of paths, some with a value;
 * every step of structured-merge-diff's Apply and Update is a filter over such lists.
 */
const resource = defineResource(
  { kind: 'Thing', plural: 'things' },
  object({
    ...typeAndMeta,
    spec: object({
      count: integer(),
      pair: object({ left: string(), right: string() }),
      whole: atomic(object({ left: string(), right: string() })),
      labels: map(string()),
      selector: atomic(map(string())),
      set: setList(string()),
      lines: list(string()),
      items: mergeList(object({ name: required(string()), value: string(), tags: setList(string()) }), 'name'),
    }),
  }),
);

const word = fc.constantFrom('a', 'b', 'c');
const words = fc.dictionary(word, word, { minKeys: 1, maxKeys: 2, noNullPrototype: true });
const some = (members: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(members, { requiredKeys: [], noNullPrototype: true });
const notEmpty = (value: object) => Object.keys(value).length > 0;
const distinct = fc.uniqueArray(word, { minLength: 1, maxLength: 2 });
const item = fc.record({ name: word, value: word, tags: distinct }, { requiredKeys: ['name'], noNullPrototype: true });
const spec = some({
  count: fc.integer({ min: 0, max: 2 }),
  pair: some({ left: word, right: word }).filter(notEmpty),
  whole: some({ left: word, right: word }).filter(notEmpty),
  labels: words,
  selector: words,
  set: distinct,
  lines: fc.array(word, { minLength: 1, maxLength: 2 }),
  items: fc.uniqueArray(item, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
});
const step = fc.record({ who: fc.constantFrom('x', 'y', 'z', 'update1', 'update2'), spec, force: fc.boolean() });

const thing = (content: object) =>
  ({
    ...{ apiVersion: 'v1', kind: 'Thing', metadata: {} },
    ...(notEmpty(content) && { spec: content }),
  }) as unknown as KubeObject;

/** A path is its elements' JSON; a value is there where ownership goes no further. */
type Nodes = ReadonlyMap<string, unknown>;
interface Owner {
  readonly paths: ReadonlySet<string>;
  readonly applies: boolean;
}
interface State {
  readonly nodes: Nodes;
  readonly owners: ReadonlyMap<string, Owner>;
}

const pathOf = (...elements: readonly string[]) => JSON.stringify(elements);
const elementsOf = (path: string): string[] => JSON.parse(path);
const parentOf = (path: string) => pathOf(...elementsOf(path).slice(0, -1));
const isWithin = (path: string, other: string) => path === other || path.startsWith(`${other.slice(0, -1)},`);
const isNamed = (path: string) => {
  const elements = elementsOf(path);
  return elements.at(-1)!.startsWith('f:') && elements.at(-2) !== 'f:labels';
};

/** All paths of a spec but the spec itself. */
function nodesOf(content: Record<string, unknown>): Nodes {
  const nodes = new Map<string, unknown>();
  const put = (value: unknown, ...path: string[]) => nodes.set(pathOf('f:spec', ...path), value);
  for (const [name, value] of Object.entries(content)) {
    if (['count', 'whole', 'selector', 'lines'].includes(name)) put(value, `f:${name}`);
    else put(undefined, `f:${name}`);
    if (name === 'pair' || name === 'labels')
      for (const [key, inner] of Object.entries(value as object)) put(inner, `f:${name}`, `f:${key}`);
    if (name === 'set') for (const inner of value as string[]) put(inner, 'f:set', `v:"${inner}"`);
    if (name === 'items') for (const each of value as { name: string }[]) putItem(put, each);
  }
  return nodes;
}

function putItem(put: (value: unknown, ...path: string[]) => void, each: { name: string }): void {
  const place = ['f:items', `k:{"name":"${each.name}"}`];
  put(undefined, ...place);
  for (const [key, inner] of Object.entries(each)) {
    if (key !== 'tags') put(inner, ...place, `f:${key}`);
    else {
      put(undefined, ...place, 'f:tags');
      for (const tag of inner as unknown as string[]) put(tag, ...place, 'f:tags', `v:"${tag}"`);
    }
  }
}

/** What an applier owns: whatever has a value, and every item. */
const ownedBy = (nodes: Nodes) =>
  new Set([...nodes].flatMap(([path, value]) => (value !== undefined || !isNamed(path) ? [path] : [])));

function withNamedParents(paths: Iterable<string>): Set<string> {
  const all = new Set(paths);
  for (const path of paths)
    for (let above = parentOf(path); above !== '[]'; above = parentOf(above)) if (isNamed(above)) all.add(above);
  return all;
}

const dropped = (nodes: Nodes, drop: ReadonlySet<string>): Nodes =>
  new Map([...nodes].filter(([path]) => ![...drop].some((each) => isWithin(path, each))));
const minus = (a: Iterable<string>, b: ReadonlySet<string>) => new Set([...a].filter((path) => !b.has(path)));
const plus = (...sets: Iterable<string>[]) => new Set(sets.flatMap((set) => [...set]));

function pruned(merged: Nodes, last: ReadonlySet<string>, owned: ReadonlySet<string>): Nodes {
  const all = withNamedParents(merged.keys());
  const lastAll = withNamedParents(last);
  const first = withNamedParents(dropped(merged, lastAll).keys());
  const back = withNamedParents(dropped(merged, minus(all, plus(first, withNamedParents(owned)))).keys());
  const left = dropped(merged, new Set([...minus(all, back)].filter((path) => lastAll.has(path))));
  return withoutHollow(left);
}

/** A list or an object from which everything went goes too. */
function withoutHollow(nodes: Nodes): Nodes {
  const isHollow = (path: string, value: unknown) =>
    value === undefined && isNamed(path) && ![...nodes.keys()].some((other) => parentOf(other) === path);
  const kept = new Map([...nodes].filter(([path, value]) => !isHollow(path, value)));
  return kept.size === nodes.size ? kept : withoutHollow(kept);
}

function changes(before: Nodes, after: Nodes) {
  const isOther = (path: string) => !isDeepStrictEqual(before.get(path), after.get(path));
  return {
    added: minus(after.keys(), new Set(before.keys())),
    removed: minus(before.keys(), new Set(after.keys())),
    modified: new Set([...after.keys()].filter((path) => before.has(path) && isOther(path))),
  };
}

type Outcome = { readonly state: State } | { readonly conflicts: readonly string[] };

function modelApply({ nodes, owners }: State, who: string, config: Nodes, force: boolean): Outcome {
  const mine = ownedBy(config);
  const others = [...owners].filter(([name]) => name !== who);
  const merged = new Map([...nodes, ...config]);
  const last = owners.get(who)?.paths ?? new Set<string>();
  const after = pruned(merged, last, plus(mine, ...others.map(([, { paths }]) => paths)));
  const { added, modified, removed } = changes(nodes, after);
  const conflicts = others.flatMap(([name, { paths }]) =>
    [...plus(added, modified)].filter((path) => paths.has(path)).map((path) => `${name} ${path}`),
  );
  if (!force && conflicts.length > 0) return { conflicts };
  return { state: { nodes: after, owners: owning(others, plus(added, modified, removed), who, mine, true) } };
}

function modelUpdate({ nodes, owners }: State, who: string, after: Nodes): State {
  const { added, modified, removed } = changes(nodes, after);
  const mine = plus(added, modified);
  const before = minus(owners.get(who)?.paths ?? [], plus(mine, removed));
  const others = [...owners].filter(([name]) => name !== who);
  return { nodes: after, owners: owning(others, plus(mine, removed), who, plus(before, mine), false) };
}

function owning(others: [string, Owner][], lost: Set<string>, who: string, paths: Set<string>, applies: boolean) {
  const left = others.map(([name, owner]): [string, Owner] => [name, { ...owner, paths: minus(owner.paths, lost) }]);
  return new Map([...left, [who, { paths, applies }] as [string, Owner]].filter(([, owner]) => owner.paths.size > 0));
}

const context = (manager: string) => ({ resource, writer: { manager }, time: '2026-01-01T00:00:00Z' });

const stateOf = (object: KubeObject): State => ({
  nodes: nodesOf((object as unknown as { spec?: Record<string, unknown> }).spec ?? {}),
  owners: new Map(
    readEntries(object.metadata.managedFields).map(({ manager, fields, operation }) => [
      manager,
      { paths: new Set([...pathsIn(fields)].map((path) => pathOf(...path))), applies: operation === 'Apply' },
    ]),
  ),
});

const sorted = ({ nodes, owners }: State) => ({
  nodes: [...nodes].map(([path, value]) => `${path} ${inspect(value, { sorted: true })}`).sort(),
  owners: [...owners].map(([name, { paths, applies }]) => [name, applies, [...paths].sort()]).sort(),
});

function takeStep(
  live: KubeObject | undefined,
  state: State,
  { who, spec: content, force }: { who: string; spec: object; force: boolean },
) {
  if (who.startsWith('update')) {
    const after = thing(content);
    const before = live && { ...live, metadata: {} as KubeObject['metadata'] };
    const managedFields = ownershipAfterUpdate(context(who), before, after, { live: live?.metadata.managedFields });
    const updated = { ...after, metadata: { ...after.metadata, ...(managedFields && { managedFields }) } };
    return { object: updated, state: modelUpdate(state, who, nodesOf(content as Record<string, unknown>)) };
  }
  const applied = applyConfiguration(context(who), live, thing(content), { force });
  const expected = modelApply(state, who, nodesOf(content as Record<string, unknown>), force);
  if (applied.type === 'conflicts') {
    assert('conflicts' in expected, 'the model sees no conflict');
    const found = applied.conflicts.map(({ owner, path }) => `${owner.manager} ${pathOf(...path)}`);
    assert.deepEqual(found.sort(), [...expected.conflicts].sort());
    return { object: live, state };
  }
  assert('state' in expected, `the model sees conflicts: ${JSON.stringify(expected)}`);
  return { object: applied.object, state: expected.state };
}

test('applies and updates in any order own and leave what the model says', () => {
  let conflicts = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let live: KubeObject | undefined;
      let state: State = { nodes: new Map(), owners: new Map() };
      for (const each of steps) {
        // Nobody keeps account of an object that nobody owns anything of: there the model does not go.
        if (live && state.owners.size === 0) return;
        const before = live;
        const taken = takeStep(live, state, each);
        ({ object: live, state } = taken);
        if (live === before) conflicts++;
        if (live) assert.deepEqual(sorted(stateOf(live)), sorted(state));
      }
    }),
    { numRuns: 500 },
  );
  assert(conflicts > 0, 'some of the applies conflict');
});

test('applying what was applied changes nothing, and applying nothing takes away all that is the applier’s alone', () => {
  fc.assert(
    fc.property(spec, spec, (first, second) => {
      const one = applied(undefined, 'x', first);
      assert.deepEqual(applied(one, 'x', first), one);
      const both = applied(one, 'y', second);
      const left = applied(both, 'x', {});
      assert.deepEqual(sorted(stateOf(left)).nodes, sorted(stateOf(applied(undefined, 'y', second))).nodes);
    }),
  );
});

function applied(live: KubeObject | undefined, who: string, content: object): KubeObject {
  const result = applyConfiguration(context(who), live, thing(content), { force: true });
  assert.equal(result.type, 'applied');
  return (result as { object: KubeObject }).object;
}
