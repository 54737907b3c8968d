import { spawnSync } from 'node:child_process';
import { OperatingError } from '../base/errors.ts';
import { withNetns } from './namespace-switch.ts';

export interface ToolOptions {
  /** What the tool reads from its standard input. */
  readonly input?: string;
  /** Path of the network namespace to run it in; default: the process's own. */
  readonly netns?: string;
}

/** A command of the system that ended badly; `code` is `ENOENT` when there is no such command, otherwise `tool`. */
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

/**
 * Runs a command of the system and returns what it printed. Synchronous, as the netlink calls are whose place it takes.
 * Throws ToolError.
 */
export function runTool(file: string, args: readonly string[], options: ToolOptions = {}): string {
  const { input = '', netns } = options;
  const run = () => spawnSync(file, args, { input, encoding: 'utf8', maxBuffer: outputLimit });
  // A child starts in the namespace of the thread that forks it.
  const { error, status, signal, stdout, stderr } = netns === undefined ? run() : withNetns(netns, run);
  const operation = `Run ${[file, ...args].join(' ')}`;
  if (error) throw new ToolError(operation, (error as { code?: string }).code ?? 'tool', error.message, '');
  if (status !== 0) {
    const how = signal ? `ended by ${signal}` : `exit code ${status}`;
    throw new ToolError(operation, 'tool', [how, stderr.trim()].filter(Boolean).join(': '), stderr);
  }
  return stdout;
}
