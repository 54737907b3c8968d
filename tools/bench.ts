/**
 * Runs one benchmark of bench/: prints its conditions and a table, writes raw data to bench/data/.
 * usage: npm run bench -- NAME [--json] [--tiny] [--only COLUMN=VALUE[,VALUE ...] ...]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, wantsOnly } from '../bench/harness.ts';
import { OperatingError } from '../src/base/errors.ts';
import { formatTable } from '../src/base/table.ts';
import { listNetns } from '../src/kernel/mod.ts';
import { sweepNamespaces } from './sweep.ts';

const folder = path.join(import.meta.dirname, '..', 'bench');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, tiny: { type: 'boolean' }, only: { type: 'string', multiple: true } },
});

const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'harness.ts')
  .map((file) => file.slice(0, -3));

const [name] = positionals;
if (name === undefined || !names.includes(name)) {
  if (name !== undefined) console.error(`error: No benchmark ${JSON.stringify(name)}`);
  console.error('usage: npm run bench -- NAME [--json] [--tiny] [--only COLUMN=VALUE[,VALUE ...] ...]');
  console.error('  --only dataplane=nftables --only services=1000,10000   those rows alone');
  console.error('benchmarks:');
  for (const each of names) console.error(`  ${each.padEnd(18)} ${(await load(each)).description}`);
  process.exit(2);
}

const namespacesBefore = new Set(listNetns());
process.once('exit', () => sweepNamespaces(namespacesBefore));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const benchmark = await load(name);
const started = new Date();
const progress = (text: string) => {
  if (process.stderr.isTTY || !values.json) process.stderr.write(`${text}\n`);
};
const only = values.only ?? [];
const wants = wanted(only);
const whole = await benchmark.run({ tiny: values.tiny === true, wants, progress }).catch(giveUp);
const result = { ...whole, rows: whole.rows.filter(wants) };
if (result.rows.length === 0) {
  console.error(`error: No row of ${name} agrees with --only ${only.join(' --only ')}`);
  process.exit(2);
}
const conditions = {
  ...machineConditions(started),
  ...(values.tiny ? { tiny: true } : {}),
  ...(only.length > 0 && { only: only.join(' ') }),
  ...result.conditions,
};
console.log(`${benchmark.name}: ${benchmark.description}\n`);
for (const [key, value] of Object.entries(conditions)) {
  console.log(`  ${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
}
console.log(`\n${tableOf(result)}`);
console.log(`raw data: ${writeRawData(result, conditions)}`);
if (values.json) console.log(JSON.stringify({ benchmark: benchmark.name, conditions, rows: result.rows }));
process.exit(0);

function wanted(words: readonly string[]): BenchmarkContext['wants'] {
  try {
    return wantsOnly(words);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    process.exit(2);
  }
}

/** It has cleaned up. An error that no operation met is a mistake of the benchmark's own. */
function giveUp(error: unknown): never {
  if (!(error instanceof OperatingError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(error.code === 'interrupted' ? 130 : 1);
}

async function load(each: string): Promise<Benchmark> {
  const module: { benchmark: Benchmark } = await import(path.join(folder, `${each}.ts`));
  return module.benchmark;
}

function machineConditions(at: Date): Record<string, unknown> {
  return {
    date: at.toISOString(),
    commit: gitCommit(),
    node: process.version,
    kernel: os.release(),
    cpu: `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    loadAverage: os.loadavg()[0]?.toFixed(2),
  };
}

function gitCommit(): string {
  try {
    const git = (...words: string[]) => execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

function tableOf({ rows }: BenchmarkResult): string {
  const columns = Object.keys(rows[0] ?? {});
  const cell = (value: string | number | undefined) =>
    typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value ?? '');
  return formatTable(
    columns,
    rows.map((row) => columns.map((column) => cell(row[column]))),
  );
}

function writeRawData(outcome: BenchmarkResult, facts: Record<string, unknown>): string {
  const directory = path.join(folder, 'data');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${benchmark.name}-${started.toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ benchmark: benchmark.name, ...outcome, conditions: facts })}\n`);
  return path.relative(process.cwd(), file);
}
