import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, Event, Node, Pod, type Resource, Secret } from '../mod.ts';
import { matchesFields, nameIn, parseFieldSelector } from './field-selector.ts';

const metadata = { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
const of = (kind: string, rest: object) => ({ apiVersion: 'v1', kind, metadata, ...rest });
const pod = of('Pod', { spec: { nodeName: 'node1', restartPolicy: 'Always' }, status: { phase: 'Running' } });

const matches: [Resource, object, string, boolean][] = [
  [Pod, pod, '', true],
  [Pod, pod, 'spec.nodeName=node1', true],
  [Pod, pod, 'spec.nodeName==node1,status.phase!=Failed', true],
  [Pod, pod, 'spec.nodeName=', false],
  [Pod, of('Pod', { spec: {} }), 'spec.nodeName=', true],
  [Pod, pod, 'status.phase!=Running', false],
  [Pod, pod, 'metadata.name=a,metadata.namespace=default', true],
  [Pod, pod, 'spec.hostNetwork=false', true],
  [
    Event,
    of('Event', { involvedObject: { kind: 'Pod', name: 'a' }, type: 'Warning' }),
    'involvedObject.name=a,type=Warning',
    true,
  ],
  [Event, of('Event', { involvedObject: {}, source: { component: 'agent' } }), 'source=agent', true],
  [Secret, of('Secret', { type: 'Opaque' }), 'type=Opaque', true],
  [Node, of('Node', { spec: { unschedulable: true } }), 'spec.unschedulable=true', true],
  [Node, of('Node', { spec: {} }), 'spec.unschedulable=false', true],
  [ConfigMap, of('ConfigMap', {}), 'metadata.name=b', false],
  [ConfigMap, of('ConfigMap', {}), 'metadata.name=a\\,b', false],
];
for (const [resource, object, selector, expected] of matches) {
  test(`${resource.kind} ${JSON.stringify(selector)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matchesFields(resource, parseFieldSelector(resource, selector), object as never), expected);
  });
}

const refused: [Resource, string, string][] = [
  [Pod, 'spec.volumes=x', 'field label not supported: spec.volumes'],
  [ConfigMap, 'data=x', '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  [Pod, 'spec.nodeName', "invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'"],
];
for (const [resource, selector, detail] of refused) {
  test(`${resource.kind} ${JSON.stringify(selector)} is refused`, () => {
    assert.throws(() => parseFieldSelector(resource, selector), { code: 'malformed', detail });
  });
}

test('an escaped comma or equals sign belongs to the value', () => {
  assert.deepEqual(parseFieldSelector(Pod, 'metadata.name=a\\,b\\=c\\\\'), [
    { field: 'metadata.name', operator: '=', value: 'a,b=c\\' },
  ]);
});

test('a selector that pins the name says so', () => {
  assert.equal(nameIn(parseFieldSelector(Pod, 'status.phase=Running,metadata.name=a')), 'a');
  assert.equal(nameIn(parseFieldSelector(Pod, 'metadata.name!=a')), undefined);
});
