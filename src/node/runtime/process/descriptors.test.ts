import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';

const module = new URL('./descriptors.ts', import.meta.url).href;
const program = `
  import { execFileSync } from 'node:child_process';
  import { closeInheritedDescriptors } from ${JSON.stringify(module)};
  const look = () => execFileSync('sh', ['-c', 'readlink /proc/self/fd/60 || echo closed'], { encoding: 'utf8' });
  process.stdout.write(look());
  closeInheritedDescriptors();
  process.stdout.write(look());
`;

test('What was left open is closed, and so not open in children', (t) => {
  const file = openSync('/etc/passwd', 'r');
  t.after(() => closeSync(file));
  const stdio = ['ignore', 'pipe', 'pipe', ...Array.from({ length: 57 }, () => 'ignore' as const), file];
  const result = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: stdio as 'pipe'[],
    encoding: 'utf8',
  });
  assert.equal(result.stdout, '/etc/passwd\nclosed\n', result.stderr);
});
