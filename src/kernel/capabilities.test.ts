import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNftables, checkPrivileges, missingCapabilities } from './capabilities.ts';
import { createFakeKernel } from './fake.ts';
import { createFaultyKernel } from './faulty.ts';

const status = (uid: number, effective: string) =>
  `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapInh:\t0000000000000000\nCapEff:\t${effective}\nSeccomp:\t0\n`;

const all = '000001ffffffffff';
const none = '0000000000000000';
const onlyNetAdmin = (1n << 12n).toString(16).padStart(16, '0');

test('Root with all capabilities passes', () => {
  checkPrivileges('Signalbox up', undefined, status(0, all));
});

test('So does a user who was given just those that are needed', () => {
  const both = ((1n << 12n) | (1n << 21n)).toString(16).padStart(16, '0');
  checkPrivileges('Signalbox up', undefined, status(1000, both));
});

const refusals = [
  {
    name: 'a user',
    status: status(1000, none),
    message: 'Signalbox up needs root: CAP_NET_ADMIN and CAP_SYS_ADMIN are missing; run it again with sudo',
  },
  {
    name: 'a user with half of it',
    status: status(1000, onlyNetAdmin),
    message: 'Signalbox up needs root: CAP_SYS_ADMIN is missing; run it again with sudo',
  },
  {
    name: 'root in a container',
    status: status(0, onlyNetAdmin),
    message:
      "Signalbox up needs root: this container's root lacks CAP_SYS_ADMIN; start it with these capabilities (--privileged gives all)",
  },
];

for (const { name, status, message } of refusals) {
  test(`Refused with what is missing: ${name}`, () => {
    assert.throws(() => checkPrivileges('Signalbox up', undefined, status), { code: 'privilege', message });
  });
}

test('A status without the line counts as no capability', () => {
  assert.deepEqual(missingCapabilities('', ['CAP_NET_ADMIN']), ['CAP_NET_ADMIN']);
});

test('A kernel that answers for its generation has nf_tables', () => {
  const kernel = createFakeKernel();
  checkNftables(kernel, 'Signalbox up');
  assert.deepEqual(
    kernel.received.map(({ protocol, type, payload }) => ({ protocol, type, payload: payload.toString('hex') })),
    [{ protocol: 'netfilter', type: 0x0a10, payload: '00000000' }],
  );
  assert.equal(kernel.openSockets, 0);
});

test('A kernel without nf_tables is named, with what to do', () => {
  const message =
    /^Signalbox up needs nf_tables: this kernel does not have it \(EINVAL\); load it \(modprobe nf_tables\) or start a kernel/;
  const kernel = createFakeKernel(() => ({ error: 'EINVAL' }));
  assert.throws(() => checkNftables(kernel, 'Signalbox up'), { code: 'nf_tables', message });
  assert.equal(kernel.openSockets, 0);
});

test('A kernel without netfilter’s netlink is too', () => {
  const fault = { kind: 'refused', code: 'EPROTONOSUPPORT' } as const;
  const kernel = createFaultyKernel(createFakeKernel(), () => fault);
  assert.throws(() => checkNftables(kernel, 'Signalbox up'), { code: 'nf_tables', message: /\(EPROTONOSUPPORT\)/ });
});

test('A refusal for lack of rights is not taken for a lack of nf_tables', () => {
  const kernel = createFakeKernel(() => ({ error: 'EPERM' }));
  assert.throws(() => checkNftables(kernel, 'Signalbox up'), { code: 'privilege' });
});
