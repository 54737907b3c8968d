import type { TestContext } from 'node:test';
import { createNetns, deleteNetns } from '../../kernel/mod.ts';

let made = 0;

/** An empty network namespace for one test, gone with it. Returns its path. */
export function testNamespace(t: TestContext): string {
  const name = `t-proxy-${process.pid}-${++made}`;
  const path = createNetns(name);
  t.after(() => deleteNetns(name));
  return path;
}
