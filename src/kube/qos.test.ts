import assert from 'node:assert/strict';
import { test } from 'node:test';
import { qosClassOf } from './qos.ts';

type Resources = NonNullable<Parameters<typeof qosClassOf>[0]['containers'][number]['resources']>;

const both = { cpu: '500m', memory: '1Gi' };
const cases: [title: string, containers: Resources[], expected: ReturnType<typeof qosClassOf>][] = [
  ['nothing asked for', [{}, {}], 'BestEffort'],
  ['amounts of nothing', [{ requests: { cpu: 0, memory: '0Gi' } }], 'BestEffort'],
  ['another resource', [{ requests: { 'ephemeral-storage': '1Gi' } }], 'BestEffort'],
  ['limits alone', [{ limits: both }], 'Guaranteed'],
  [
    'requests that equal limits, written in another way',
    [{ limits: both, requests: { cpu: 0.5, memory: '1024Mi' } }],
    'Guaranteed',
  ],
  ['requests below limits', [{ limits: both, requests: { cpu: '100m' } }], 'Burstable'],
  ['one resource', [{ limits: { cpu: 1 }, requests: { cpu: 1 } }], 'Burstable'],
  ['one container of two', [{ limits: both }, {}], 'Burstable'],
];
for (const [title, resources, expected] of cases) {
  test(`QoS class: ${title} is ${expected}`, () => {
    const containers = resources.map((each, index) => ({ name: `c${index}`, resources: each }));
    assert.equal(qosClassOf({ containers }), expected);
  });
}
