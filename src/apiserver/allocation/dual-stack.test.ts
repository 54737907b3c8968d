import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { mergePatch, serviceBody, startTestServer, type TestServer } from '../test-server.ts';

const services = '/api/v1/namespaces/default/services';
const ranges = {
  both: '10.96.0.0/16,fd00:10:96::/112',
  six: 'fd00:10:96::/112',
  sixFirst: 'fd00:10:96::/112,10.96.0.0/16',
  four: '10.96.0.0/16',
};
const start = (t: TestContext, cidrs: keyof typeof ranges) => startTestServer(t, { serviceCidr: ranges[cidrs] });

/** `4`, `6`: an address of that family; as it stands: None. */
const shape = (addresses: string[] = []) =>
  addresses
    .map((address) => (address.startsWith('10.96.') ? '4' : address.startsWith('fd00:10:96::') ? '6' : address))
    .join();

const summary = ({ spec }: { spec: Record<string, never> }) =>
  `${shape(spec.clusterIPs)} ${(spec.ipFamilies as string[] | undefined)?.map((family) => family.slice(3)).join() ?? '-'} ${spec.ipFamilyPolicy ?? '-'}`;

const heldBy = async ({ store }: TestServer, name: string): Promise<string> => {
  const { entries } = await store.list('/registry/networking.k8s.io/ipaddresses/');
  const mine = entries.filter(({ value }) => JSON.parse(value).spec.parentRef.name === name);
  return shape(mine.map(({ key }) => key.split('/').at(-1)!).sort());
};

const headless = { clusterIP: 'None' };
const selector = { app: 'a' };

/** What a writer asks for, in which cluster, and what the Service gets; or the field and words of the refusal. */
const creations: [keyof typeof ranges, object, string | RegExp][] = [
  ['four', {}, '4 4 SingleStack'],
  ['six', {}, '6 6 SingleStack'],
  ['both', {}, '4 4 SingleStack'],
  ['sixFirst', {}, '6 6 SingleStack'],
  ['both', { ipFamilies: ['IPv6'] }, '6 6 SingleStack'],
  ['both', { ipFamilyPolicy: 'PreferDualStack' }, '4,6 4,6 PreferDualStack'],
  ['sixFirst', { ipFamilyPolicy: 'RequireDualStack' }, '6,4 6,4 RequireDualStack'],
  ['both', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, '6,4 6,4 RequireDualStack'],
  ['both', { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] }, '6,4 6,4 PreferDualStack'],
  ['four', { ipFamilyPolicy: 'PreferDualStack' }, '4 4 PreferDualStack'],
  ['both', { clusterIP: 'fd00:10:96::77' }, '6 6 SingleStack'],
  [
    'both',
    { clusterIPs: ['fd00:10:96::77', '10.96.0.77'], clusterIP: 'fd00:10:96::77', ipFamilyPolicy: 'PreferDualStack' },
    '6,4 6,4 PreferDualStack',
  ],
  ['both', { clusterIP: 'fd00:10:96::77', ipFamilyPolicy: 'RequireDualStack' }, '6,4 6,4 RequireDualStack'],
  ['both', { ...headless, selector }, 'None 4 SingleStack'],
  ['both', { ...headless, selector, ipFamilyPolicy: 'PreferDualStack' }, 'None 4,6 PreferDualStack'],
  ['four', headless, 'None 4,6 RequireDualStack'],
  ['four', { ...headless, ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] }, 'None 6 SingleStack'],
  ['both', { type: 'ExternalName', externalName: 'x.io', ports: undefined }, ' - -'],
  ['four', { ipFamilies: ['IPv6'] }, /spec\.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster/],
  [
    'four',
    { ipFamilyPolicy: 'RequireDualStack' },
    /spec\.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack/,
  ],
  [
    'both',
    { ipFamilies: ['IPv4', 'IPv6'] },
    /spec\.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families/,
  ],
  [
    'both',
    { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'] },
    /when multiple cluster IPs are specified/,
  ],
  [
    'four',
    { clusterIP: 'fd00:10:96::9' },
    /spec\.clusterIPs\[0\]: Invalid value: \["fd00:10:96::9"\]: IPv6 is not configured on this cluster/,
  ],
  [
    'both',
    { clusterIP: 'fd00:10:97::9' },
    /failed to allocate IP fd00:10:97::9: the provided IP \(fd00:10:97::9\) is not in the valid range\. The range of valid IPs is fd00:10:96::\/112/,
  ],
  [
    'both',
    { clusterIP: '10.96.0.9', ipFamilies: ['IPv6'] },
    /expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
  ],
];

describe('families of a new Service', () => {
  for (const [cidrs, spec, expected] of creations) {
    test(`${cidrs}: ${JSON.stringify(spec)}`, async (t) => {
      const server = await start(t, cidrs);
      if (typeof expected !== 'string') {
        assert.match(await server.refused(422, 'POST', services, serviceBody('a', spec)), expected);
        assert.equal(await heldBy(server, 'a'), '');
        return;
      }
      const made = await server.ok('POST', services, serviceBody('a', spec));
      assert.equal(summary(made), expected);
      assert.equal(made.spec.clusterIP, made.spec.clusterIPs?.[0]);
      const held = [...shape(made.spec.clusterIPs)].filter((sign) => /[46]/.test(sign)).sort();
      assert.equal(await heldBy(server, 'a'), held.join());
    });
  }
});

type Change = [string, object, string | RegExp];
const prefer = { ipFamilyPolicy: 'PreferDualStack' };
const single = { ipFamilyPolicy: 'SingleStack' };

/** What a Service was created with, the changes by merge patch that follow, and what it is after each. */
const histories: [string, keyof typeof ranges, object, Change[]][] = [
  [
    'a second family comes and goes',
    'both',
    {},
    [
      ['more', { ipFamilyPolicy: 'RequireDualStack' }, '4,6 4,6 RequireDualStack'],
      ['less', single, '4 4 SingleStack'],
      ['more again', { ...prefer, ipFamilies: ['IPv4', 'IPv6'] }, '4,6 4,6 PreferDualStack'],
      [
        'only by its policy',
        { clusterIPs: null, ipFamilies: ['IPv4'] },
        /must be 'SingleStack' to release the secondary IP family/,
      ],
      ['the first one stays', { ipFamilies: ['IPv6', 'IPv4'] }, /clusterIPs|ipFamilies/],
      ['with all fields', { ...single, ipFamilies: ['IPv4'] }, '4 4 SingleStack'],
    ],
  ],
  [
    'a given second address',
    'both',
    {},
    [
      [
        'taken',
        { ...prefer, ipFamilies: ['IPv4', 'IPv6'], clusterIPs: ['10.96.0.5', 'fd00:10:96::5'], clusterIP: '10.96.0.5' },
        /may not change once set/,
      ],
    ],
  ],
  [
    'types that have no address',
    'both',
    prefer,
    [
      ['no address', { type: 'ExternalName', externalName: 'x.io' }, ' - -'],
      ['one family, as nothing was said', { type: 'ClusterIP', externalName: null }, '4 4 SingleStack'],
      ['a node port', { type: 'NodePort', ...prefer }, '4,6 4,6 PreferDualStack'],
    ],
  ],
];

describe('families of a Service that is changed', () => {
  for (const [title, cidrs, spec, changes] of histories) {
    test(title, async (t) => {
      const server = await start(t, cidrs);
      let before = await server.ok('POST', services, serviceBody('a', spec));
      for (const [step, change, expected] of changes) {
        if (typeof expected === 'string') {
          const after = await server.ok('PATCH', `${services}/a`, { spec: change }, mergePatch);
          assert.equal(summary(after), expected, step);
          before = after;
        } else
          assert.match(
            await server.refused(422, 'PATCH', `${services}/a`, { spec: change }, mergePatch),
            expected,
            step,
          );
        const wanted = [...shape(before.spec.clusterIPs)].filter((sign) => /[46]/.test(sign)).sort();
        assert.equal(await heldBy(server, 'a'), wanted.join(), step);
      }
    });
  }

  test('one that prefers two keeps what it has when the cluster gains a family, until its writer says so', async (t) => {
    const first = await start(t, 'four');
    await first.ok('POST', services, serviceBody('a', prefer));
    await first.server.stop();
    const second = await startTestServer(t, { store: first.store, serviceCidr: ranges.both });
    const touched = await second.ok('PATCH', `${services}/a`, { metadata: { labels: { a: 'b' } } }, mergePatch);
    assert.equal(summary(touched), '4 4 PreferDualStack');
    const asked = { spec: { ipFamilies: ['IPv4', 'IPv6'] } };
    assert.equal(summary(await second.ok('PATCH', `${services}/a`, asked, mergePatch)), '4,6 4,6 PreferDualStack');
  });

  test('a PUT that knows nothing of addresses and families keeps them', async (t) => {
    const server = await start(t, 'both');
    const made = await server.ok('POST', services, serviceBody('a', prefer));
    const after = await server.ok('PUT', `${services}/a`, serviceBody('a'));
    assert.deepEqual(after.spec.clusterIPs, made.spec.clusterIPs);
    assert.equal(summary(after), '4,6 4,6 PreferDualStack');
  });

  test('an address is one, however it is spelled', async (t) => {
    const server = await start(t, 'both');
    const given = await server.ok('POST', services, serviceBody('a', { clusterIP: 'FD00:10:96:0::00AB' }));
    assert.equal(given.spec.clusterIP, 'FD00:10:96:0::00AB');
    const again = serviceBody('b', { clusterIP: 'fd00:10:96::ab' });
    assert.match(await server.refused(422, 'POST', services, again), /provided IP is already allocated/);
    await server.ok('DELETE', `${services}/a`);
    await server.ok('POST', services, again);
  });
});
