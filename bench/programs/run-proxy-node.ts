import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ProxyNodeReport, ProxyNodeTask } from './proxy-node.ts';

const program = path.join(import.meta.dirname, 'proxy-node.ts');

/** Runs one proxy in a process and a network namespace of its own. */
export async function runProxyNode(task: ProxyNodeTask): Promise<ProxyNodeReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, program, JSON.stringify(task)], {
    maxBuffer: 64 << 20,
  });
  return JSON.parse(stdout) as ProxyNodeReport;
}
