import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Says whose a process is, in its environment: whoever cleans up finds strays by it. */
export const clusterVariable = 'SIGNALBOX_CLUSTER';

export interface Launch {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The line on standard output that says that all went well. */
  readonly expect: string;
}

/**
 * Starts one of the scripts in a session of its own, with our /proc as descriptor 3, and waits for its word. Rejects
 * with what it wrote to standard error when it ends without.
 */
export function launch({ command, environment, expect }: Launch): Promise<void> {
  const ourProc = openSync('/proc', 'r');
  const [program, ...args] = command;
  let child: ChildProcess;
  try {
    child = spawn(program!, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ourProc],
      env: environment,
      cwd: '/',
    });
  } finally {
    closeSync(ourProc);
  }
  let output = '';
  let errors = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(new Error(errors.trim() || `${program} ended with ${signal ?? `exit code ${code}`}`));
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!output.split('\n').includes(expect)) return;
      // The process that stays behind keeps the other ends, and never writes to them again.
      child.stdout!.destroy();
      child.stderr!.destroy();
      resolve();
    });
  });
}
