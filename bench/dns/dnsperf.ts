import { readFileSync } from 'node:fs';
import { OperatingError } from '../../src/base/errors.ts';
import type { DnsSite } from './site.ts';

export interface Load {
  /** Lines of name and type. */
  readonly questions: readonly string[];
  readonly protocol?: 'udp' | 'tcp';
  readonly edns?: boolean;
  /** Questions a second; left out: as many as are answered. */
  readonly rate?: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly sent: number;
  readonly lost: number;
  readonly qps: number;
  /** How often each answer code came. */
  readonly codes: Readonly<Record<string, number>>;
  readonly averageBytes: number;
}

/** As many sockets as some Pods would have, and a client's usual patience with the number of questions under way. */
const clients = 20;
const outstanding = 100;

/** Sends the load with dnsperf. */
export async function send(site: DnsSite, load: Load): Promise<Outcome> {
  return parseOutcome(await site.run('dnsperf', words(site, load)));
}

/** The same; resolves with how long each answer took, in microseconds. */
export async function sendTimed(site: DnsSite, load: Load): Promise<number[]> {
  // To a file: a reader of a pipe would take part of the processors, and dnsperf would wait for it.
  const file = site.write('answers', '');
  await site.run('sh', ['-c', `exec "$0" "$@" >'${file}'`, 'dnsperf', ...words(site, load), '-v']);
  const printed = readFileSync(file, 'utf8');
  return Array.from(printed.matchAll(/^> \S+ .* (\d+\.\d+)$/gm), ([, seconds]) => Number(seconds) * 1e6);
}

function words(site: DnsSite, load: Load): string[] {
  const { questions, protocol = 'udp', edns, rate, seconds } = load;
  const file = site.write('questions', `${questions.join('\n')}\n`);
  return [
    ...['-s', site.address, '-p', '53', '-m', protocol, '-d', file],
    ...['-l', String(seconds), '-c', String(clients), '-q', String(outstanding)],
    ...(edns ? ['-e'] : []),
    ...(rate === undefined ? [] : ['-Q', String(rate)]),
  ];
}
export function parseOutcome(printed: string): Outcome {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(printed)?.[1];
    if (found === undefined)
      throw new OperatingError('Read what dnsperf says', 'unknown', `no ${pattern} in ${printed}`);
    return Number(found);
  };
  const codes = /Response codes: +(.*)$/m.exec(printed)?.[1] ?? '';
  return {
    sent: number(/Queries sent: +(\d+)/),
    lost: number(/Queries lost: +(\d+)/),
    qps: number(/Queries per second: +([\d.]+)/),
    averageBytes: number(/Average packet size: +request \d+, response (\d+)/),
    codes: Object.fromEntries(
      Array.from(codes.matchAll(/([A-Z]+) (\d+) /g), ([, code, count]) => [code, Number(count)]),
    ),
  };
}
