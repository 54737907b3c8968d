import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soaks } from './mod.ts';

for (const soak of soaks) {
  test(`soak ${soak.name}, for a moment`, async () => {
    assert.match(soak.description, /^[^\n]{20,}$/);
    const counts = await soak.run({ seed: 1, rounds: Math.ceil(soak.rounds / 500), progress: () => {} });
    assert.notEqual(Object.keys(counts).length, 0);
    assert.ok(Object.values(counts).every(Number.isFinite));
  });
}
