import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { listNetns } from '../src/kernel/mod.ts';
import { type Benchmark, type BenchmarkResult, everything, wantsOnly } from './harness.ts';

const withoutRoot = ['api', 'api-list', 'store', 'watch'];
/** Numbers of other columns are counts of what the column names. */
const unit = /((Ms|Us)(Per[A-Z][a-z]+)?|MiB|kibPerObject|Percent|[pP]er((Cpu)?Second|Transaction))$/;
const counts = [
  'services',
  'endpoints',
  'records',
  'messages',
  'bytes',
  'writers',
  'keys',
  'run',
  'qps',
  'fsyncs',
  'watchers',
  'dropped',
  'objects',
];

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'harness.ts')
  .map((file) => file.slice(0, -3));

for (const name of names) {
  const { benchmark }: { benchmark: Benchmark } = await import(path.join(import.meta.dirname, `${name}.ts`));
  test(`benchmark ${name} runs, and its figures bear their units`, { skip: reasonToSkip(benchmark) }, async () => {
    assert.equal(benchmark.name, name);
    assert.match(benchmark.description, /^[^\n]{20,}$/);
    const progress: string[] = [];
    const result = await benchmark.run({ tiny: true, wants: everything, progress: (text) => progress.push(text) });
    assert.notEqual(progress.length, 0);
    checkRows(result);
    checkSamples(result);
    assert.deepEqual(JSON.parse(JSON.stringify(result.conditions)), result.conditions);
    const left = listNetns().filter((namespace) => namespace.split(/[-.]/).includes(String(process.pid)));
    assert.deepEqual(left, [], 'no namespace of this process is left');
  });
}

function reasonToSkip({ name, needs = [] }: Benchmark): string | false {
  if (process.getuid?.() !== 0 && !withoutRoot.includes(name)) return 'needs root, for network namespaces';
  const missing = needs.find((program) => spawnSync('which', [program]).status !== 0);
  return missing !== undefined && `needs ${missing}`;
}

function checkRows({ rows }: BenchmarkResult): void {
  assert.notEqual(rows.length, 0);
  const columns = Object.keys(rows[0]!);
  assert.ok(columns.some((column) => unit.test(column)));
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), columns);
    for (const [column, value] of Object.entries(row)) {
      if (typeof value === 'string') assert.doesNotMatch(column, unit);
      else {
        assert.ok(Number.isFinite(value), `${column} is ${value}`);
        assert.ok(unit.test(column) || counts.includes(column), `${column} says its unit`);
      }
    }
  }
}

function checkSamples({ samples }: BenchmarkResult): void {
  assert.ok(samples);
  for (const [name, values] of Object.entries(samples)) {
    assert.notEqual(values.length, 0, name);
    assert.ok(values.every(Number.isFinite), name);
  }
}

test('Some rows alone can be asked for, by their columns', () => {
  const wants = wantsOnly(['dataplane=nftables,userspace', 'services=100']);
  assert.equal(wants({ dataplane: 'nftables', services: 100 }), true);
  assert.equal(wants({ dataplane: 'userspace', services: 100, endpoints: 2 }), true);
  assert.equal(wants({ dataplane: 'iptables-nft', services: 100 }), false);
  assert.equal(wants({ dataplane: 'nftables', services: 1000 }), false);
  assert.equal(wants({ services: 100 }), true, 'a benchmark without that column');
  assert.throws(() => wantsOnly(['nftables']), /it is not COLUMN=VALUE/);
});
