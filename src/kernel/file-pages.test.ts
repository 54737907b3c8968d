import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cleanFileMappings, letGoOfFilePages } from './file-pages.ts';

const mapping = (head: string, { anonymous = 0, dirty = 0 } = {}) => `${head}
Size:               1000 kB
Rss:                 500 kB
Private_Clean:       500 kB
Private_Dirty:     ${String(dirty).padStart(5)} kB
Anonymous:         ${String(anonymous).padStart(5)} kB
VmFlags: rd ex mr mw me
`;

test('only what is read from a file, and is in it as a whole, is let go', () => {
  const smaps = [
    mapping('00400000-00500000 r-xp 00000000 08:01 131 /usr/bin/node'),
    mapping('00500000-00600000 r--p 00100000 08:01 131 /usr/bin/node', { anonymous: 4 }),
    mapping('00600000-00700000 r--p 00200000 08:01 131 /usr/bin/node', { dirty: 4 }),
    mapping('00700000-00800000 rw-p 00300000 08:01 131 /usr/bin/node'),
    mapping('7f0000000000-7f0000002000 r--p 00000000 08:01 977                        /lib/with a space.so'),
    mapping('7f0000003000-7f0000004000 r--s 00000000 08:01 978 /dev/shm/shared'),
    mapping('7f0000004000-7f0000005000 ---p 00000000 08:01 977 /lib/guard.so'),
    mapping('7f0000005000-7f0000006000 r-xp 00000000 00:00 0'),
    mapping('7f0000006000-7f0000007000 r-xp 00000000 00:00 0 [vdso]'),
    mapping('01d3e000-01d5f000 rw-p 00000000 00:00 0 [heap]'),
  ].join('');
  assert.deepEqual(cleanFileMappings(smaps), [
    { address: 0x400000n, length: 0x100000n },
    { address: 0x7f0000000000n, length: 0x2000n },
  ]);
});

const filePagesKiB = () => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

test('the process has fewer pages of files afterwards, and goes on as before', () => {
  const before = filePagesKiB();
  letGoOfFilePages();
  const after = filePagesKiB();
  assert(after < before, `${after} of ${before} KiB`);
  for (let round = 0; round < 3; round++) {
    letGoOfFilePages();
    assert.equal(JSON.stringify(new Intl.NumberFormat('de').format(12_345.6)), '"12.345,6"');
    assert.equal('straße'.normalize('NFD').localeCompare('straße'), 0);
    assert.match(new Error('x').stack!, /file-pages\.test/);
  }
});

test('where there are no system calls nothing is done', () => {
  letGoOfFilePages({ madvise: () => -38 });
});
