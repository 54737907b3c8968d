import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../base/clock.ts';
import { shippedCorefiles } from '../testing/cloud-corefiles.ts';
import { corefilePath, corefileServer, onlyAddress, ownLoopback, testApi } from '../testing/corefile-server.ts';
import { fakeFiles } from '../testing/corefiles.ts';
import { zoneLines } from '../testing/stub-client.ts';
import { readCorefile } from './mod.ts';

for (const [title, { text, files = {}, notices = [], boundElsewhere }] of Object.entries(shippedCorefiles)) {
  const source = fakeFiles({ [corefilePath]: text, ...files });

  test(`read as it is shipped: ${title}`, () => {
    const found = readCorefile(corefilePath, source).notices.map((notice) => notice.split(':')[0]);
    assert.deepEqual(found, notices);
  });

  const skip = boundElsewhere ? 'it binds addresses that only its own nodes have' : false;
  test(`runs as it is shipped, but for the resolver behind it: ${title}`, { skip }, async (t) => {
    const { ask, end } = await shippedServer(t, text, files);
    const answer = await ask('kubernetes.default.svc.cluster.local');
    assert.match(
      zoneLines(answer.answers).join('\n'),
      /^kubernetes\.default\.svc\.cluster\.local\. (5|30) IN A 10\.96\.0\.1$/,
    );
    assert.equal((await ask('gone.default.svc.cluster.local')).rcode, 'NXDOMAIN');
    end();
  });
}

/** On an address of this process's own, with a resolver behind it that nobody is; `end` makes its lame-duck time pass. */
async function shippedServer(t: TestContext, text: string, files: Readonly<Record<string, string>>) {
  let isEnding = false;
  const clock: Clock = {
    ...systemClock,
    schedule: (delayMs, callback) => systemClock.schedule(isEnding ? 0 : delayMs, callback),
  };
  const { connect } = await testApi(t);
  const corefile = text.replaceAll('/etc/resolv.conf', '127.0.0.9');
  const source = fakeFiles({ [corefilePath]: corefile, ...files });
  const interfaces = onlyAddress(ownLoopback);
  const started = await corefileServer(t, corefile, { connect, clock, files: source, interfaces });
  const end = () => {
    isEnding = true;
  };
  return { ...started, end };
}

test('what the customised one says is done', async (t) => {
  const { text, files = {} } = shippedCorefiles['Azure AKS, customised']!;
  const { ask, end } = await shippedServer(t, text, files);
  assert.deepEqual(zoneLines((await ask('example2.org')).answers), ['example2.org. 3600 IN A 10.0.0.2']);
  end();
});
