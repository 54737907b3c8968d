/**
 * The one gate, for people and CI alike: formatting and lint, module rules, types, dead code, then every test.
 * Its last line counts: `123 passed, 0 failed, 2 skipped`.
 * usage: npm test [-- PATTERN ...]     with patterns (globs of test files), only those tests
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { listNetns } from '../src/kernel/mod.ts';
import { sweepNamespaces } from './sweep.ts';

const root = path.join(import.meta.dirname, '..');
const namespacesBefore = new Set(listNetns());
const interrupted = new AbortController();
// The first time the file that runs comes to its end and cleans up; the second time it does not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort(signal)));
}
const { positionals } = parseArgs({ allowPositionals: true });
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const bin = (file: string) => path.join(root, 'node_modules', file);
const checks: [string, string[]][] = [
  ['format and lint', [bin('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '--error-on-warnings', '.']],
  ['module rules', ['tools/check-modules.ts']],
  ['types', [bin('typescript/bin/tsc'), '-p', '.']],
  ['dead code', [bin('knip/bin/knip.js')]],
];

if (positionals.length === 0) for (const [name, words] of checks) runCheck(name, words);
// Unit tests share the cores; tests that make namespaces, clusters or load run alone, so that none disturbs another.
const all =
  positionals.length > 0
    ? positionals
    : ['src/**/*.test.ts', 'bench/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts'];
const files = globSync(all, { cwd: root }).sort();
const alone = files.filter((file) => /\.netns\.test\.ts$|^test\/|^bench\//.test(file));
const together = files.filter((file) => !alone.includes(file));
await runTests('unit tests', together, 2);
if (!interrupted.signal.aborted) await runTests('tests on the real kernel and whole clusters', alone, 1);

for (const name of sweepNamespaces(namespacesBefore))
  count(interrupted.signal.aborted, `nobody has removed ${name}`, '');
if (interrupted.signal.aborted) process.exit(130);
for (const failure of failures) console.log(failure);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);

function runCheck(name: string, words: string[]): void {
  const started = performance.now();
  const result = spawnSync(process.execPath, words, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  count(result.status === 0, `${name} (${seconds(started)})`, `${result.stdout}${result.stderr}`);
}

function count(passed: boolean, title: string, details: string): void {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${title}`);
  if (passed) totals.passed++;
  else {
    totals.failed++;
    failures.push(`\nFAIL ${title}\n${details.trimEnd()}\n`);
    console.log(details.trimEnd());
  }
}

async function runTests(title: string, paths: string[], concurrency: number): Promise<void> {
  if (paths.length === 0) return;
  console.log(`-- ${title}: ${paths.length} files`);
  const { signal } = interrupted;
  const stream = run({ files: paths.map((file) => path.join(root, file)), concurrency, timeout: 600_000, signal });
  const counts = new Map<string, { passed: number; failed: number; skipped: number; ms: number }>();
  for await (const event of stream as AsyncIterable<TestEvent>) take(event, counts);
}

function take(
  event: TestEvent,
  counts: Map<string, { passed: number; failed: number; skipped: number; ms: number }>,
): void {
  if (event.type === 'test:stderr' || event.type === 'test:stdout') {
    if (process.env.TEST_OUTPUT) process.stdout.write(event.data.message);
    return;
  }
  if (event.type === 'test:summary' && event.data.file) {
    const file = path.relative(root, event.data.file);
    const of = counts.get(file);
    if (of)
      console.log(
        `${of.failed ? 'FAIL' : 'ok  '} ${file} (${of.passed} passed${of.skipped ? `, ${of.skipped} skipped` : ''}, ${(event.data.duration_ms / 1000).toFixed(1)} s)`,
      );
    return;
  }
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return;
  const { data } = event;
  const file = path.relative(root, data.file ?? '');
  const isFile = data.nesting === 0 && data.name.endsWith('.test.ts');
  if (data.details.type === 'suite' || (isFile && event.type === 'test:pass')) return;
  const of = counts.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
  counts.set(file, of);
  if (data.skip !== undefined || data.todo !== undefined) {
    of.skipped++;
    totals.skipped++;
    console.log(`skip ${file}: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
  } else if (event.type === 'test:pass') {
    of.passed++;
    totals.passed++;
  } else {
    of.failed++;
    totals.failed++;
    const error = event.data.details.error;
    const cause =
      error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause ?? error.message);
    failures.push(`\nFAIL ${file}: ${data.name}\n${cause}\n`);
    console.log(`FAIL ${file}: ${data.name}\n${cause}`);
  }
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
