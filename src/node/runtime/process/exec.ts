import { spawn } from 'node:child_process';
import type { Clock } from '../../../base/clock.ts';
import type { ExecOptions, ExecResult } from '../port.ts';

/** kubelet keeps as much of a probe's output (pkg/probe/exec, maxReadLength). */
const longestOutput = 10 * 1024;

/** Runs a command in a process group of its own; the whole group is killed when its time is over. */
export function execCommand(
  clock: Clock,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  { timeoutMs, signal }: ExecOptions,
): Promise<ExecResult> {
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    cwd: '/',
  });
  let output = '';
  let killed = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < longestOutput) output = (output + text).slice(0, longestOutput);
    });
  }
  const kill = () => {
    killed = true;
    killGroup(child.pid);
    // A grandchild in a session of its own may keep them open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const cancel = clock.schedule(timeoutMs, kill);
  signal?.addEventListener('abort', kill, { once: true });
  return new Promise<ExecResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => {
      resolve({ exitCode: killed ? undefined : (code ?? (by ? 137 : 1)), output });
    });
  }).finally(() => {
    cancel();
    signal?.removeEventListener('abort', kill);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
