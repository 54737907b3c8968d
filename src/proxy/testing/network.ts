import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createNetns, deleteNetns, netnsPath, setSysctl } from '../../kernel/mod.ts';
import type { AgentAnswer, AgentRequest } from './programs/agent.ts';

/**
 * Network namespaces around one node, for tests with real packets:
 *
 *     pod1 10.244.1.2 ─┐
 *     pod2 10.244.1.3 ─┤ node ├─ outside 172.30.1.2   (a client that belongs to no cluster)
 *                      │      └─ remote  10.244.2.2   (a Pod of another node)
 *
 * The node is 172.30.1.1, and 169.254.1.1 to the Pods; its way to everything else goes to `outside`.
 */
export class TestNetwork {
  readonly #prefix: string;
  readonly #names = new Set<string>();
  readonly #agents = new Map<string, Agent>();

  constructor(prefix: string) {
    this.#prefix = `t-proxy-${prefix}-${process.pid}`;
    try {
      this.#build();
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  path(name: Place): string {
    return netnsPath(this.#nameOf(name));
  }

  ip(name: Place, ...words: string[]): string {
    return execFileSync('ip', ['-n', this.#nameOf(name), ...words], { encoding: 'utf8' });
  }

  /** Answers `NAME PEER` from now on. */
  async serve(place: Place, protocol: 'TCP' | 'UDP', port: number, name: string = place): Promise<void> {
    const result = await this.#agent(place).request({ do: 'serve', protocol, port, name });
    if (result !== 'listening') throw new Error(`Cannot serve in ${place}: ${result}`);
  }

  /** What comes of one connection or datagram: the server's words, or an error's code, or `timeout`. */
  ask(place: Place, protocol: 'TCP' | 'UDP', address: string, port: number, timeoutMs = 5000): Promise<string> {
    return this.#agent(place).request({ do: 'ask', protocol, address, port, timeoutMs });
  }

  destroy(): void {
    for (const agent of this.#agents.values()) agent.end();
    for (const name of this.#names) deleteNetns(name);
    this.#names.clear();
  }

  #build(): void {
    for (const place of ['node', 'pod1', 'pod2', 'outside', 'remote'] as const) {
      const name = this.#nameOf(place);
      createNetns(name);
      this.#names.add(name);
      this.ip(place, 'link', 'set', 'lo', 'up');
    }
    setSysctl(this.path('node'), 'net.ipv4.ip_forward', '1');
    // A node agent switches redirects off, because the way from a Pod back to itself invites them; and the kernel lets a
    // host have six ICMP errors in a row, then one a second, which is less than the tests provoke.
    for (const scope of ['all', 'default']) setSysctl(this.path('node'), `net.ipv4.conf.${scope}.send_redirects`, '0');
    setSysctl(this.path('node'), 'net.ipv4.icmp_ratelimit', '0');
    this.#joinPod('pod1', '10.244.1.2');
    this.#joinPod('pod2', '10.244.1.3');
    this.#joinPod('remote', '10.244.2.2');
    this.#join('outside', '172.30.1.1', '172.30.1.2');
    this.ip('node', 'route', 'add', 'default', 'via', '172.30.1.2');
  }

  #joinPod(place: Place, address: string): void {
    this.ip('node', 'link', 'add', place, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#nameOf(place));
    this.ip('node', 'link', 'set', place, 'up');
    this.ip('node', 'route', 'add', `${address}/32`, 'dev', place);
    this.ip(place, 'addr', 'add', `${address}/32`, 'dev', 'eth0');
    this.ip(place, 'link', 'set', 'eth0', 'up');
    this.ip(place, 'route', 'add', '169.254.1.1', 'dev', 'eth0', 'scope', 'link');
    this.ip(place, 'route', 'add', 'default', 'via', '169.254.1.1');
    this.ip('node', 'addr', 'add', '169.254.1.1/32', 'dev', place);
  }

  #join(place: Place, nodeAddress: string, address: string): void {
    this.ip('node', 'link', 'add', place, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#nameOf(place));
    this.ip('node', 'addr', 'add', `${nodeAddress}/24`, 'dev', place);
    this.ip('node', 'link', 'set', place, 'up');
    this.ip(place, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    this.ip(place, 'link', 'set', 'eth0', 'up');
  }

  #agent(place: Place): Agent {
    const agent = this.#agents.get(place) ?? new Agent(this.#nameOf(place));
    this.#agents.set(place, agent);
    return agent;
  }

  #nameOf(place: Place): string {
    return `${this.#prefix}-${place}`;
  }
}

export type Place = 'node' | 'pod1' | 'pod2' | 'outside' | 'remote';

type Ask = AgentRequest extends infer Request ? (Request extends AgentRequest ? Omit<Request, 'id'> : never) : never;

class Agent {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: string) => void>();
  #lastId = 0;

  constructor(netns: string) {
    const script = new URL('./programs/agent.ts', import.meta.url).pathname;
    this.#process = spawn('ip', ['netns', 'exec', netns, process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface(this.#process.stdout!).on('line', (line) => {
      const { id, result } = JSON.parse(line) as AgentAnswer;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  request(ask: Ask): Promise<string> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.set(id, resolve);
    this.#process.stdin!.write(`${JSON.stringify({ id, ...ask })}\n`);
    return promise;
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}
