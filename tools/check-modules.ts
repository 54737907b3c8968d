/**
 * Checks which folder of src/ imports which (ARCHITECTURE.md, "Layout"): a table of what each may use, that other
 * folders are entered by their public face, and that only the rim constructs clocks, kernels and stores.
 * usage: tools/run.sh tools/check-modules.ts
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** The rim: where real things are made and passed in. */
const rim = ['main', 'cli', 'standalone'];

const everythingBelow = [
  'base',
  'wire',
  'kube',
  'kernel',
  'store',
  'client',
  'apiserver',
  'controllers',
  'scheduler',
  'dns',
  'proxy',
  'node',
  'trace',
];

const mayImport: Record<string, readonly string[]> = {
  base: [],
  wire: ['base'],
  kube: ['base'],
  kernel: ['base', 'wire'],
  store: ['base'],
  client: ['base', 'kube'],
  apiserver: ['base', 'kube', 'store'],
  controllers: ['base', 'kube', 'client'],
  scheduler: ['base', 'kube', 'client'],
  dns: ['base', 'wire', 'kube', 'client', 'kernel'],
  proxy: ['base', 'wire', 'kube', 'client', 'kernel'],
  node: ['base', 'wire', 'kube', 'client', 'kernel'],
  trace: ['base', 'wire', 'kernel'],
  standalone: everythingBelow,
  cli: [...everythingBelow, 'standalone'],
  main: ['cli'],
};

/** Files of another folder that may be imported beside its mod.ts. */
const publicFiles = /\/(mod|port|errors)\.ts$/;

/** Things only the rim (and tests) may name. */
const rimOnly = /\b(systemClock|createKernel|openSqliteStore|openEtcdStore)\b/;

/** Folders that must stay pure: they decide, and never touch the kernel. */
const pure = [
  /^src\/proxy\/(track|plan|diff)\//,
  /^src\/proxy\/dataplane\/[^/]+\/compile/,
  /^src\/wire\//,
  /^src\/kube\//,
];

const problems: string[] = [];

for (const file of globSync('src/**/*.ts', { cwd: root }).sort()) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const isTest = /\.(test|suite)\.ts$|\/(suite|harness|test-server)\.ts$|\/testing\//.test(file);
  const from = moduleOf(file);
  const allowed = mayImport[from];
  if (!allowed) {
    problems.push(`${file}: folder src/${from} is not in the table of tools/check-modules.ts`);
    continue;
  }
  for (const specifier of importsOf(text)) {
    if (!specifier.startsWith('.')) {
      checkBuiltin(file, specifier, isTest);
      continue;
    }
    const target = path.posix.join(path.posix.dirname(file), specifier);
    if (!target.startsWith('src/')) {
      if (!isTest) problems.push(`${file}: imports ${target}, outside src/`);
      continue;
    }
    checkEdge(file, from, target, allowed, isTest);
  }
  if (!isTest && !rim.includes(from)) checkRimOnly(file, text, from);
}

if (problems.length > 0) {
  for (const problem of problems) console.error(problem);
  console.error(`${problems.length} module rule(s) broken`);
  process.exit(1);
}

function checkEdge(file: string, from: string, target: string, allowed: readonly string[], isTest: boolean): void {
  const to = moduleOf(target);
  if (to === from) checkDataplanes(file, target);
  if (to === from || isTest) return;
  if (!allowed.includes(to)) problems.push(`${file}: src/${from} may not import src/${to} (${target})`);
  else if (to !== 'base' && to !== 'wire' && !publicFiles.test(target)) {
    problems.push(`${file}: enters src/${to} by ${target} instead of its mod.ts`);
  }
  if (to === 'kernel' && pure.some((pattern) => pattern.test(file)))
    problems.push(`${file}: is pure and may not import src/kernel`);
}

function checkDataplanes(file: string, target: string): void {
  const dataplane = (name: string) => /^src\/proxy\/dataplane\/([^/]+)\//.exec(name)?.[1];
  const [mine, other] = [dataplane(file), dataplane(target)];
  if (mine && other && mine !== other) problems.push(`${file}: a dataplane may not import another (${target})`);
}

function checkBuiltin(file: string, specifier: string, isTest: boolean): void {
  // node:net is allowed for its predicates (isIP); opening a socket with it takes more than an import.
  const effectful = /^node:(fs|http2?|https|child_process|dgram|worker_threads|sqlite|tls)(\/|$)|^koffi$/;
  if (!isTest && pure.some((pattern) => pattern.test(file)) && effectful.test(specifier)) {
    problems.push(`${file}: is pure and may not import ${specifier}`);
  }
}

function checkRimOnly(file: string, text: string, from: string): void {
  const defines = /export (async )?(const|function) (systemClock|createKernel|openSqliteStore|openEtcdStore)\b/.test(
    text,
  );
  const reexports = file.endsWith('/mod.ts');
  const match = rimOnly.exec(text);
  if (match && !defines && !reexports)
    problems.push(`${file}: src/${from} may not use ${match[1]}; take it as an argument`);
}

function moduleOf(file: string): string {
  const part = file.split('/')[1] ?? '';
  return part.endsWith('.ts') ? part.slice(0, -3) : part;
}

function importsOf(text: string): string[] {
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^\s*import\s+'([^']+)'/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
