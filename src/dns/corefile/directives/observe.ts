import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { Directives, ErrorsOptions, LogClass, LogOptions } from '../options.ts';
import type { ReadContext } from '../read.ts';
import type { Token } from '../token.ts';
import { readZones } from '../zones.ts';
import { readExpression } from './patterns.ts';

/** https://coredns.io/plugins/errors/ */
export function readErrors(words: Words): ErrorsOptions {
  words.end({ withBlock: true });
  let stacktrace = false;
  const consolidate: ErrorsOptions['consolidate'][number][] = [];
  words.properties({
    stacktrace: () => {
      stacktrace = true;
    },
    panicRecoveryStacktrace: () => {
      stacktrace = true;
    },
    consolidate: (property) => {
      const durationMs = property.durationMs();
      const pattern = readExpression(property.next('a regular expression'));
      let level: 'debug' | 'info' | 'warn' | 'error' = 'error';
      let showFirst = false;
      while (property.hasMore) {
        const word = property.oneOf(['warning', 'error', 'info', 'debug', 'show_first']);
        if (word === 'show_first') showFirst = true;
        else level = word === 'warning' ? 'warn' : word;
      }
      consolidate.push({ durationMs, pattern, level, showFirst });
    },
  });
  return { stacktrace, consolidate };
}

export const commonLogFormat =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}';
const combinedLogFormat = commonLogFormat.replace('" {rcode}', '" {>opcode} {rcode}');

/** What a format may hold; metadata labels (`{/…}`) are always unknown here and so always `-`. */
const placeholders = new Set(
  'type name class proto remote local size port duration rcode rsize >rflags >bufsize >do >id >opcode'.split(' '),
);

/** https://coredns.io/plugins/log/ */
export function readLog(words: Words, context: ReadContext): LogOptions {
  const args = words.rest();
  const isFormat = ({ text, quoted }: Token) => quoted || text.includes('{');
  const formatToken = args.find(isFormat);
  const zones = readZones(args.filter((token) => !isFormat(token)));
  const classes: LogClass[] = [];
  let minDurationMs: number | undefined;
  words.properties({
    class: (property) => {
      while (property.hasMore) classes.push(property.oneOf(['success', 'denial', 'error', 'all']));
    },
    minDuration: (property) => {
      minDurationMs = property.hasMore ? property.durationMs() : 0;
    },
  });
  return {
    zones: zones.length > 0 ? zones : context.zones,
    format: formatToken ? readFormat(formatToken) : commonLogFormat,
    classes: classes.length > 0 ? classes : ['all'],
    minDurationMs,
  };
}

function readFormat(token: Token): string {
  const text = token.text.replaceAll('{common}', commonLogFormat).replaceAll('{combined}', combinedLogFormat);
  for (const [whole, name = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
    if (!placeholders.has(name) && !name.startsWith('/')) throw mistake(token, `log does not know ${whole}`);
  }
  return text;
}

/** https://coredns.io/plugins/health/ */
export function readHealth(words: Words): NonNullable<Directives['health']> {
  const at = words.hostPort({ host: '', port: 8080 });
  words.end({ withBlock: true });
  let lameDuckMs = 0;
  words.properties({
    lameduck: (property) => {
      lameDuckMs = property.durationMs();
    },
  });
  return { at, lameDuckMs };
}

/** https://coredns.io/plugins/ready/ */
export function readReady(words: Words, context: ReadContext): NonNullable<Directives['ready']> {
  const at = words.hostPort({ host: '', port: 8181 });
  words.end({ withBlock: true });
  words.properties({
    monitor: (property) => {
      property.oneOf(['until-ready', 'continuously']);
      context.notice(property.name, 'ready always says how things are now: monitor does nothing');
    },
  });
  return { at };
}

/** https://coredns.io/plugins/metrics/ */
export function readPrometheus(words: Words, context: ReadContext): NonNullable<Directives['prometheus']> {
  const at = words.hostPort({ host: 'localhost', port: 9153 });
  words.end({ withBlock: true });
  words.properties({
    runtime_metrics: (property) =>
      context.notice(property.name, "runtime_metrics does nothing: the metrics of Go's runtime are not ours"),
    tls: (property) => {
      throw mistake(property.name, 'tls of prometheus is not supported');
    },
  });
  return { at };
}

const leastIntervalMs = 2000;
const leastJitterMs = 1000;

/** https://coredns.io/plugins/reload/ */
export function readReload(words: Words): NonNullable<Directives['reload']> {
  const intervalMs = words.hasMore ? words.durationMs(leastIntervalMs) : 30_000;
  const jitterMs = words.hasMore ? words.durationMs() : 15_000;
  if (jitterMs !== 0 && jitterMs < leastJitterMs) throw mistake(words.name, 'the jitter of reload is at least 1s');
  words.end();
  return { intervalMs, jitterMs: Math.min(jitterMs, intervalMs / 2) };
}
