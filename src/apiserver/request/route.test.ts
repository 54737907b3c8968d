import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formOf, wantsAggregated } from './negotiate.ts';
import { parseRoute } from './route.ts';

/** `kind namespace name subresource`, `-` for what is absent. */
function summary(url: string): string {
  const route = parseRoute(url);
  if (!route) return 'nothing';
  if (route.type === 'page') return `page ${route.path}`;
  return [route.resource.kind, route.namespace, route.name, route.subresource].map((part) => part ?? '-').join(' ');
}

describe('parseRoute', () => {
  for (const [url, expected] of [
    ['/api/v1/pods', 'Pod - - -'],
    ['/api/v1/pods?watch=1', 'Pod - - -'],
    ['/api/v1/namespaces/default/pods', 'Pod default - -'],
    ['/api/v1/namespaces/default/pods/a', 'Pod default a -'],
    ['/api/v1/namespaces/default/pods/a/', 'Pod default a -'],
    ['/api/v1/namespaces/default/pods/a/status', 'Pod default a status'],
    ['/api/v1/namespaces', 'Namespace - - -'],
    ['/api/v1/namespaces/default', 'Namespace - default -'],
    ['/api/v1/namespaces/default/status', 'Namespace - default status'],
    ['/api/v1/namespaces/default/finalize', 'Namespace - default finalize'],
    ['/api/v1/nodes/node1', 'Node - node1 -'],
    ['/apis/apps/v1/namespaces/a/deployments/b/scale', 'Deployment a b scale'],
    ['/apis/coordination.k8s.io/v1/leases', 'Lease - - -'],
    ['/api/v1/namespaces/a%2Fb/pods', 'Pod a/b - -'],
    ['/', 'page '],
    ['/apis/apps/v1/', 'page /apis/apps/v1'],
    ['/healthz?verbose', 'page /healthz'],
    ['/api/v1/namespaces/default/nodes', 'nothing'],
    ['/api/v1/pods/a', 'nothing'],
    ['/api/v1/lamps', 'nothing'],
    ['/api/v2/pods', 'nothing'],
    ['/apis/apps/v1/pods', 'nothing'],
    ['/api/v1/namespaces/default/pods/a/status/more', 'nothing'],
    ['/api/v1/namespaces/%zz/pods', 'nothing'],
  ] as const)
    test(`${url} leads to ${expected}`, () => assert.equal(summary(url), expected));
});

describe('Accept', () => {
  const kubectlGet =
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
  for (const [accept, expected] of [
    [undefined, 'object'],
    ['*/*', 'object'],
    ['application/vnd.kubernetes.protobuf,application/json', 'object'],
    [kubectlGet, 'table'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io, application/json', 'object'],
    ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'partial-list'],
  ] as const)
    test(`${accept} gets ${expected}`, () => assert.equal(formOf(accept), expected));

  test('what we do not speak is refused', () => {
    for (const accept of ['text/html', 'application/json;as=Table;v=v9;g=meta.k8s.io'])
      assert.throws(() => formOf(accept), { code: 'NotAcceptable' });
  });

  test('aggregated discovery is for those who prefer it', () => {
    const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    assert.equal(wantsAggregated(`${aggregated},application/json`), true);
    assert.equal(wantsAggregated(`application/json,${aggregated}`), false);
    assert.equal(wantsAggregated(aggregated.replace('v=v2', 'v=v2beta1')), false);
    assert.equal(wantsAggregated(undefined), false);
  });
});
