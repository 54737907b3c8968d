import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCatalogue } from './catalogue.ts';

const catalogue = createCatalogue(['/opt/node', '--flag', '/opt/main.ts']);

for (const image of [
  'serve_hostname',
  'k8s.gcr.io/serve_hostname',
  'registry.k8s.io/serve_hostname:1.4',
  'localhost:5000/library/serve-hostname',
  'gcr.io/google_containers/serve_hostname@sha256:0123',
]) {
  test(`${image} is the built-in program`, () => {
    const entry = catalogue.find(image);
    assert.match(entry?.entrypoint.join(' ') ?? '', /^\/opt\/node .*\/programs\/serve-hostname\.ts$/);
    assert.equal(entry?.readyPort, 9376);
  });
}

test('Our own commands go by two parts of the name', () => {
  assert.deepEqual(catalogue.find('signalbox/proxy')?.entrypoint, ['/opt/node', '--flag', '/opt/main.ts', 'proxy']);
  assert.deepEqual(catalogue.find('ghcr.io/signalbox/dns:0.1')?.entrypoint.at(-1), 'dns');
  assert.equal(catalogue.find('proxy'), undefined);
});

for (const image of ['', 'nginx', 'serve_hostname/x', 'constructor', 'registry:5000']) {
  test(`${JSON.stringify(image)} is not known`, () => {
    assert.equal(catalogue.find(image), undefined);
  });
}
