import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyRule } from '../../kube/mod.ts';
import type { Attributes } from './attributes.ts';
import { ruleText, uncovered } from './cover.ts';
import { ruleAllows } from './rule.ts';

const user = { name: 'jane', groups: [] };
const rule = (verbs: string[], apiGroups: string[], resources: string[], resourceNames?: string[]): PolicyRule => ({
  ...{ verbs, apiGroups, resources },
  ...(resourceNames && { resourceNames }),
});
const path = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });

/** `get apps/deployments/scale web` or `get /healthz`; the core group is left out. */
function asked(text: string): Attributes {
  const [verb = '', what = '', name = ''] = text.split(' ');
  if (what.startsWith('/')) return { type: 'path', user, verb, path: what };
  const [group = '', resource = '', subresource = ''] = what.split(':');
  return { type: 'resource', user, verb, group, resource, subresource, namespace: 'default', name, fields: [] };
}

const cases: [string, PolicyRule, string[], string[]][] = [
  [
    'a verb on a kind',
    rule(['get'], [''], ['pods']),
    ['get :pods x'],
    ['list :pods', 'get :pods:log x', 'get apps:pods x', 'get :podsx', 'get /pods'],
  ],
  ['every verb', rule(['*'], [''], ['pods']), ['get :pods', 'impersonate :pods'], ['get :services']],
  ['every group', rule(['get'], ['*'], ['pods']), ['get :pods', 'get x:pods'], ['get x:jobs']],
  ['every kind and what is below', rule(['get'], [''], ['*']), ['get :pods', 'get :pods:exec x'], ['get apps:pods']],
  ['one subresource', rule(['get'], [''], ['pods/log']), ['get :pods:log x'], ['get :pods x', 'get :pods:exec x']],
  ['a subresource of all', rule(['get'], ['*'], ['*/scale']), ['get apps:deployments:scale'], ['get apps:deployments']],
  [
    'names',
    rule(['get', 'create'], [''], ['secrets'], ['a', 'b']),
    ['get :secrets a', 'get :secrets b'],
    ['get :secrets c', 'create :secrets', 'get :secrets'],
  ],
  ['a path', path('/healthz'), ['get /healthz'], ['get /healthz/x', 'post /healthz', 'get :pods']],
  ['paths by a star', path('/api/*'), ['get /api/', 'get /api/v1'], ['get /api', 'get /apis/x']],
  ['every path', path('*'), ['get /', 'get /x'], ['get :pods']],
];

for (const [name, given, allowed, refused] of cases) {
  test(`a rule for ${name}`, () => {
    for (const text of allowed) assert.ok(ruleAllows(given, asked(text)), text);
    for (const text of refused) assert.ok(!ruleAllows(given, asked(text)), text);
  });
}

const all = rule(['*'], ['*'], ['*']);
const covers: [string, PolicyRule[], PolicyRule[], string[]][] = [
  [
    'everything covers all but paths',
    [all],
    [rule(['x'], ['y'], ['z', 'z/w'], ['v']), path('/')],
    ['{NonResourceURLs:["/"], Verbs:["get"]}'],
  ],
  [
    'nothing covers nothing',
    [],
    [rule(['get', 'list'], ['', 'apps'], ['pods'])],
    [
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
      '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}',
    ],
  ],
  [
    'several rules cover together',
    [rule(['get'], [''], ['pods']), rule(['list'], [''], ['pods'])],
    [rule(['get', 'list'], [''], ['pods'])],
    [],
  ],
  [
    'a star is covered by a star alone',
    [rule(['get', 'list', 'watch'], [''], ['pods'])],
    [rule(['*'], [''], ['pods'])],
    ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'],
  ],
  [
    'one name does not cover all',
    [rule(['get'], [''], ['secrets'], ['a'])],
    [rule(['get'], [''], ['secrets'])],
    ['{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'],
  ],
  ['all names cover one', [rule(['get'], [''], ['secrets'])], [rule(['get'], [''], ['secrets'], ['a'])], []],
  [
    'a subresource of all covers one',
    [rule(['get'], ['*'], ['*/scale'])],
    [rule(['get'], ['apps'], ['deployments/scale'])],
    [],
  ],
  ['paths by a star', [path('/api/*')], [path('/api/v1', '/apis')], ['{NonResourceURLs:["/apis"], Verbs:["get"]}']],
];

for (const [name, held, wanted, missing] of covers) {
  test(name, () => assert.deepEqual(uncovered(held, wanted).map(ruleText), missing));
}
