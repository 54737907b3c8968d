import { OperatingError } from '../src/base/errors.ts';
import { type Load, type Outcome, send, sendTimed } from './dns/dnsperf.ts';
import { type Mix, mixes, questionsOf } from './dns/mixes.ts';
import { DnsSite } from './dns/site.ts';
import { type Benchmark, percentile } from './harness.ts';

const sizes = [1_000, 10_000, 100_000];
/** Where the fixed rates are measured. */
const usualSize = 10_000;

/** What CoreDNS does on the reference machine, in questions per CPU-second. */
const coreDns = { uncached: 26_000, cached: 45_000 };
/** A quarter, a half and three quarters of it, and the rate of the target. */
const fixedRates = [...[0.25, 0.5, 0.75].map((share) => share * coreDns.cached), 20_000];

export const benchmark: Benchmark = {
  name: 'dns',
  description:
    'Questions per CPU-second of `signalbox dns` by mix and number of Services; latency at fixed rates; memory',
  needs: ['dnsperf'],

  async run({ tiny, progress, wants }) {
    const seconds = tiny ? 1 : 5;
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    const memory: { records: number; rssMiB: number }[] = [];
    // A first start fills the cache of compiled code: what a process needs to fill it is not what it needs.
    await (await DnsSite.open(1))[Symbol.asyncDispose]();
    for (const records of (tiny ? [100] : sizes).filter((records) => wants({ records }))) {
      progress(`${records} Services: listing`);
      await using site = await DnsSite.open(records);
      const readyMs = Math.round(site.readyMs);
      memory.push({ records, rssMiB: site.rssMiB });
      const measureAt = async (mix: Mix, rate?: number) => {
        const name = rate === undefined ? mix.name : `${mix.name} at ${rate} q/s`;
        if (!wants({ mix: name, records })) return;
        progress(`${records} Services, ${name}`);
        const measured = await measure(site, mix, {
          questions: questionsOf(mix, records, tiny ? 1_000 : 200_000),
          seconds,
          ...(mix.protocol && { protocol: mix.protocol }),
          ...(mix.edns && { edns: mix.edns }),
          ...(rate !== undefined && { rate }),
        });
        samples[`${name} ${records}`] = thinned(measured.microseconds);
        rows.push({ mix: name, records, ...figures(measured), rssMiB: rounded(site.rssMiB), readyMs });
      };
      for (const mix of tiny ? mixes.filter(({ name }) => name !== 'headless-1000-tcp') : mixes) await measureAt(mix);
      if (records === usualSize) for (const rate of fixedRates) await measureAt(mixes[0]!, rate);
    }
    return {
      conditions: { seconds, ...bytesPerService(memory), client: 'dnsperf, 20 sockets, 100 questions under way' },
      rows,
      samples,
    };
  },
};

interface Measured {
  readonly qps: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly microseconds: readonly number[];
}

/** Twice: dnsperf takes a third of the load for itself when it tells of each answer. */
async function measure(site: DnsSite, mix: Mix, load: Load): Promise<Measured> {
  // For the just-in-time compiler.
  if (load.seconds > 1) await send(site, { ...load, seconds: 1 });
  const before = site.cpuSeconds;
  const outcome = await send(site, load);
  const cpuSeconds = site.cpuSeconds - before;
  check(mix, outcome);
  return { qps: outcome.qps, cpuSeconds, seconds: load.seconds, microseconds: await sendTimed(site, load) };
}

/** Wrong answers are fast too. */
function check({ name, code }: Mix, { codes, sent, lost }: Outcome): void {
  const others = Object.entries(codes).filter(([found]) => found !== code);
  if (others.length === 0 && lost <= sent / 1_000) return;
  throw new OperatingError(
    `Measure ${name}`,
    'unexpected',
    `${lost} of ${sent} lost, answers ${JSON.stringify(codes)}`,
  );
}

const figures = ({ qps, cpuSeconds, seconds, microseconds }: Measured) => ({
  qps: Math.round(qps),
  // The clock of /proc has ticks of 10 ms: a tiny run may have used none.
  qpsPerCpuSecond: Math.round((qps * seconds) / Math.max(cpuSeconds, 0.01)),
  p50Us: Math.round(percentile(microseconds, 0.5)),
  p99Us: Math.round(percentile(microseconds, 0.99)),
  p999Us: Math.round(percentile(microseconds, 0.999)),
});

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** From the smallest size to the largest, before the first question. */
function bytesPerService(memory: readonly { records: number; rssMiB: number }[]): { bytesPerService?: number } {
  const [first, last] = [memory[0]!, memory.at(-1)!];
  if (first === last) return {};
  return { bytesPerService: Math.round(((last.rssMiB - first.rssMiB) * 2 ** 20) / (last.records - first.records)) };
}

/** Raw data of a million answers help nobody: every so manieth of them, in order. */
function thinned(values: readonly number[]): number[] {
  const step = Math.ceil(values.length / 10_000);
  return values.filter((_, index) => index % step === 0);
}
