import type { Clock } from '../base/clock.ts';

/** What a person watches while a cluster comes up: one line a step; colour and rewriting only on a terminal. */
export interface Progress {
  /** Runs a step and says how long it took; a failure is marked and passed on. */
  step<Value>(title: string, action: () => Promise<Value> | Value): Promise<Value>;
  line(text: string): void;
  passed(text: string, details: string): void;
  failed(text: string, details: string): void;
}

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export function createProgress(output: Output, clock: Clock, environment: NodeJS.ProcessEnv): Progress {
  const terminal = output.isTTY === true;
  const colour = terminal && environment.NO_COLOR === undefined;
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const green = (text: string) => paint(32, text);
  const red = (text: string) => paint(31, text);
  const dim = (text: string) => paint(2, text);
  const write = (text: string) => output.write(`${text}\n`);
  return {
    async step(title, action) {
      if (terminal) output.write(`… ${title}`);
      const startMs = clock.monotonicMs();
      const finish = (mark: string) => {
        const seconds = dim(`(${((clock.monotonicMs() - startMs) / 1000).toFixed(1)} s)`);
        write(`${terminal ? '\r\x1b[K' : ''}${mark} ${title} ${seconds}`);
      };
      try {
        const value = await action();
        finish(green('✓'));
        return value;
      } catch (error) {
        finish(red('✗'));
        throw error;
      }
    },
    line: write,
    passed: (text, details) => write(`${green('✓')} ${text}\n  ${dim(details)}`),
    failed: (text, details) => write(`${red('✗')} ${text}\n  ${red(details)}`),
  };
}
