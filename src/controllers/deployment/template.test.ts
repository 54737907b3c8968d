import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '../../kube/mod.ts';
import { isSameTemplate, templateHash, withHash } from './template.ts';

type Template = Deployment['spec']['template'];
const template = (fields: object) => ({ spec: { containers: [] }, ...fields }) as unknown as Template;

test('the hash is the same for the same content in any order, and does not change between releases', () => {
  const a = template({ metadata: { labels: { app: 'a', tier: 'b' } } });
  const b = template({ metadata: { creationTimestamp: null, labels: { tier: 'b', app: 'a' } } });
  assert.equal(templateHash(a), templateHash(b));
  // A new value here would roll every Deployment of every user on upgrade.
  assert.equal(templateHash(a), '568c9cd586');
});

test('another content and another collision count give another hash', () => {
  const a = template({ metadata: { labels: { app: 'a' } } });
  const hashes = [templateHash(a), templateHash(a, 1), templateHash(a, 2), templateHash(template({}))];
  assert.equal(new Set(hashes).size, 4);
});

test('the label that the controller adds does not make it another template', () => {
  const a = template({ metadata: { labels: { app: 'a' } } });
  assert(isSameTemplate(a, withHash(a, 'x')));
  assert.equal(templateHash(a), templateHash(withHash(a, 'x')));
  assert(!isSameTemplate(a, template({ metadata: { labels: { app: 'b' } } })));
});
