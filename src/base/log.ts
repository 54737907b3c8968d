/** One line per event on a stream: time, level, component, message, then `key=value` pairs (logfmt), or JSON. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** The same log with fields that every line bears. */
  with(fields: Fields): Logger;
}

export type Fields = Record<string, unknown>;

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = 'text' | 'json';

export interface LogOptions {
  level?: LogLevel;
  format?: LogFormat;
  /** Default: standard error. */
  write?: (line: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export function createLogger(options: LogOptions, context: Fields = {}): Logger {
  const threshold = logLevels.indexOf(options.level ?? 'info');
  const write = options.write ?? ((line) => process.stderr.write(line));
  const format = options.format === 'json' ? jsonLine : textLine;
  const at = (level: LogLevel) => (message: string, fields?: Fields) => {
    if (logLevels.indexOf(level) < threshold) return;
    write(`${format(new Date(options.now()).toISOString(), level, message, { ...context, ...fields })}\n`);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => createLogger(options, { ...context, ...fields }),
  };
}

export const silentLogger: Logger = createLogger({ now: () => 0, write: () => {} });

function textLine(time: string, level: LogLevel, message: string, fields: Fields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join('')}`;
}

function jsonLine(time: string, level: LogLevel, message: string, fields: Fields): string {
  return JSON.stringify({ time, level, message, ...fields }, (_key, value) =>
    value instanceof Error ? value.message : value,
  );
}

function textValue(value: unknown): string {
  const text = value instanceof Error ? value.message : typeof value === 'string' ? value : JSON.stringify(value);
  return text !== undefined && /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text ?? null);
}
