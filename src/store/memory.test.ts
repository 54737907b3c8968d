import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createMemoryStore } from './memory.ts';
import { storeSuite } from './suite.ts';

storeSuite('memory store', async () => createMemoryStore());

test('a watcher that throws crashes the process, after the others and the writer are served', () => {
  const script = `
    import { createMemoryStore } from ${JSON.stringify(import.meta.resolve('./memory.ts'))};
    const store = createMemoryStore();
    store.watch('/', { after: 1, onEvents() { throw new Error('mistake'); } });
    store.watch('/', { after: 1, onEvents: () => console.log('other') });
    store.commit([{ type: 'create', key: '/a', value: '' }]).then(() => console.log('writer'));
    process.on('exit', () => console.log(store.revision));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.match(child.stderr, /Error: mistake/);
  assert.deepEqual([child.status, child.stdout], [1, 'other\n2\n']);
});
