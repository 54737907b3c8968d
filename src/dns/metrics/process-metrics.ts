import { readdirSync, readFileSync } from 'node:fs';
import type { Registry } from './registry.ts';
import { counter, gauge } from './scraped.ts';

/**
 * What every Prometheus client tells of its process, and Node.js's heap. prom-client's own come with 60 files of OpenTelemetry,
 * a timer that fires a hundred times a second and an observer of each garbage collection.
 */
export function registerProcessMetrics(registry: Registry): void {
  const one = (value: () => number | undefined) => () => {
    const found = value();
    return found === undefined ? [] : [{ value: found }];
  };
  const describe = (name: string, help: string) => ({ name: `process_${name}`, help });
  counter(
    registry,
    describe('cpu_seconds_total', 'Total user and system CPU time spent in seconds.'),
    one(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
  );
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge(
    registry,
    describe('start_time_seconds', 'Start time of the process since unix epoch in seconds.'),
    one(() => startedAt),
  );
  gauge(registry, describe('resident_memory_bytes', 'Resident memory size in bytes.'), one(process.memoryUsage.rss));
  gauge(registry, describe('virtual_memory_bytes', 'Virtual memory size in bytes.'), one(virtualBytes));
  gauge(
    registry,
    describe('open_fds', 'Number of open file descriptors.'),
    one(() => fromProc(() => readdirSync('/proc/self/fd').length)),
  );
  gauge(registry, describe('max_fds', 'Maximum number of open file descriptors.'), one(mostDescriptors));
  registerHeap(registry);
}

function registerHeap(registry: Registry): void {
  const describe = (name: string, help: string) => ({ name: `nodejs_${name}`, help });
  const usage = (field: keyof NodeJS.MemoryUsage) => () => [{ value: process.memoryUsage()[field] }];
  gauge(registry, describe('heap_size_total_bytes', 'Process heap size from Node.js in bytes.'), usage('heapTotal'));
  gauge(registry, describe('heap_size_used_bytes', 'Process heap size used from Node.js in bytes.'), usage('heapUsed'));
  gauge(registry, describe('external_memory_bytes', 'Node.js external memory size in bytes.'), usage('external'));
  gauge(registry, describe('version_info', 'Node.js version info.'), () => [
    { labels: { version: process.version }, value: 1 },
  ]);
}

const virtualBytes = (): number | undefined =>
  fromProc(() => {
    const kibibytes = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  });

const mostDescriptors = (): number | undefined =>
  fromProc(() => {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  });

/** Undefined where there is no /proc. */
function fromProc(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
