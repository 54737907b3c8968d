import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { codeOf, OperatingError } from '../base/errors.ts';
import type { MemoryFile } from './memory-file.ts';
import { withNetns } from './namespace-switch.ts';

export interface ToolOptions {
  /** What the tool reads from its standard input. */
  readonly input?: string | MemoryFile;
  /** Path of the network namespace to run it in; default: the process's own. */
  readonly netns?: string;
  /** Whoever has not ended by then is killed: this thread waits. Default: a minute. */
  readonly deadlineMs?: number;
}

export type RunTool = (file: string, args: readonly string[], options?: ToolOptions) => string;

/**
 * A command of the system that ended badly; `code` is `ENOENT` when there is no such command, `ETIMEDOUT` when it had to be
 * killed at its deadline, otherwise `tool`.
 */
export class ToolError extends OperatingError {
  /** What it said about it. */
  readonly stderr: string;

  constructor(operation: string, code: string, state: string, stderr: string) {
    super(operation, code, state);
    this.name = 'ToolError';
    this.stderr = stderr;
  }
}

/** A firewall of 200,000 rules is some 50 MB of text. */
const outputLimit = 1 << 30;

const defaultDeadlineMs = 60_000;

/**
 * Runs a command of the system and returns what it printed. Synchronous, as the netlink calls are whose place it takes.
 * Throws ToolError.
 */
export function runTool(file: string, args: readonly string[], options: ToolOptions = {}): string {
  const { input = '', netns, deadlineMs = defaultDeadlineMs } = options;
  const run = () =>
    spawnSync(file, args, {
      ...inputOf(input),
      encoding: 'utf8',
      maxBuffer: outputLimit,
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
    });
  // A child starts in the namespace of the thread that forks it.
  const { error, status, signal, stdout, stderr } = netns === undefined ? run() : withNetns(netns, run);
  const operation = `Run ${[file, ...args].join(' ')}`;
  if (codeOf(error) === 'ETIMEDOUT') {
    throw new ToolError(operation, 'ETIMEDOUT', `it did not end within ${deadlineMs / 1000} s and was killed`, stderr);
  }
  // What it said before it ended without having read its input tells more.
  if (error && !(codeOf(error) === 'EPIPE' && status !== 0)) {
    const state = codeOf(error) === 'EPIPE' ? 'it ended without having read its input' : error.message;
    throw new ToolError(operation, codeOf(error) ?? 'tool', state, stderr ?? '');
  }
  if (status !== 0) {
    const how = signal ? `ended by ${signal}` : `exit code ${status}`;
    throw new ToolError(operation, 'tool', [how, stderr.trim()].filter(Boolean).join(': '), stderr);
  }
  return stdout;
}

/** A short text goes through a pipe; a file is given to the tool as its standard input. */
function inputOf(input: string | MemoryFile): SpawnSyncOptions {
  if (typeof input === 'string') return { input };
  input.flush();
  return { stdio: [input.descriptor, 'pipe', 'pipe'] };
}
