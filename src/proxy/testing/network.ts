import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createNetns, deleteNetns, netnsPath, setSysctl } from '../../kernel/mod.ts';
import type { AgentAnswer, AgentRequest, Protocol } from './programs/agent.ts';

/**
 * Network namespaces around one node, for tests with real packets:
 *
 *     pod1 10.244.1.2 ─┐
 *     pod2 10.244.1.3 ─┤ node ├─ outside 172.30.1.2   (a client that belongs to no cluster)
 *                      │      └─ remote  10.244.2.2   (a Pod of another node)
 *
 * The node is 172.30.1.1, and 169.254.1.1 to the Pods; its way to everything else goes to `outside`. The same in IPv6:
 * fd00:10:244:1::2 and ::3, fd00:10:244:2::2, fd00:172:30:1::2; the node is fd00:172:30:1::1, and fd00:169::1 to the Pods.
 * Where asked for, `docker0` is a container behind the link of that name: 172.17.0.2, fd00:172:17::2.
 */
export class TestNetwork {
  readonly #prefix: string;
  readonly #names = new Set<string>();
  readonly #agents = new Map<string, Agent>();

  constructor(prefix: string, { docker = false } = {}) {
    this.#prefix = `t-proxy-${prefix}-${process.pid}`;
    try {
      this.#build(docker ? ['docker0'] : []);
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
  async serve(place: Place, protocol: Protocol, port: number, name: string = place): Promise<void> {
    const result = await this.#agent(place).request({ do: 'serve', protocol, port, name });
    if (result !== 'listening') throw new Error(`Cannot serve in ${place}: ${result}`);
  }

  /** What comes of one connection or datagram: the server's words, or an error's code, or `timeout`. */
  ask(place: Place, protocol: Protocol, address: string, port: number, timeoutMs = 5000): Promise<string> {
    return this.#agent(place).request({ do: 'ask', protocol, address, port, timeoutMs });
  }

  /** The same of a datagram sent from that port; the server's words end with the port that it sees. */
  askFrom(ownPort: number, place: Place, address: string, port: number, timeoutMs = 5000): Promise<string> {
    return this.#agent(place).request({ do: 'ask', protocol: 'UDP', address, port, timeoutMs, ownPort });
  }

  /** A server that sends back what it gets. */
  async echo(place: Place, port: number): Promise<void> {
    const result = await this.#agent(place).request({ do: 'echo', port });
    if (result !== 'listening') throw new Error(`Cannot serve in ${place}: ${result}`);
  }

  /** Opens a TCP connection that stays open until `destroy`: `open`, or an error's code. */
  hold(place: Place, name: string, address: string, port: number): Promise<string> {
    return this.#agent(place).request({ do: 'hold', name, address, port });
  }

  /** What comes back on it, or an error's code, or `closed`. */
  say(place: Place, name: string, text: string): Promise<string> {
    return this.#agent(place).request({ do: 'say', name, text });
  }

  destroy(): void {
    for (const agent of this.#agents.values()) agent.end();
    for (const name of this.#names) deleteNetns(name);
    this.#names.clear();
  }

  #build(more: readonly 'docker0'[]): void {
    for (const place of ['node', 'pod1', 'pod2', 'outside', 'remote', ...more] as const) {
      const name = this.#nameOf(place);
      createNetns(name);
      this.#names.add(name);
      // Neighbours are asked with link-local addresses, which would first take a second to prove themselves unique.
      for (const scope of ['all', 'default']) setSysctl(this.path(place), `net.ipv6.conf.${scope}.accept_dad`, '0');
      this.ip(place, 'link', 'set', 'lo', 'up');
    }
    setSysctl(this.path('node'), 'net.ipv4.ip_forward', '1');
    setSysctl(this.path('node'), 'net.ipv6.conf.all.forwarding', '1');
    // A node agent switches redirects off, because the way from a Pod back to itself invites them; and the kernel lets a
    // host have six ICMP errors in a row, then one a second, which is less than the tests provoke.
    for (const scope of ['all', 'default']) setSysctl(this.path('node'), `net.ipv4.conf.${scope}.send_redirects`, '0');
    setSysctl(this.path('node'), 'net.ipv4.icmp_ratelimit', '0');
    setSysctl(this.path('node'), 'net.ipv6.icmp.ratelimit', '0');
    for (const place of ['pod1', 'pod2', 'remote', ...more] as const) this.#joinPod(place, addresses[place]);
    this.#joinOutside();
  }

  #joinPod(place: Place, address: Addresses): void {
    this.#joinByVeth(place);
    for (const [own, gateway, length] of [
      [address.IPv4, podGateway.IPv4, 32],
      [address.IPv6, podGateway.IPv6, 128],
    ] as const) {
      this.ip('node', 'route', 'add', `${own}/${length}`, 'dev', place);
      this.#addAddress(place, `${own}/${length}`, 'eth0');
      this.ip(place, 'route', 'add', gateway, 'dev', 'eth0', 'scope', 'link');
      this.ip(place, 'route', 'add', 'default', 'via', gateway);
      this.#addAddress('node', `${gateway}/${length}`, place);
    }
  }

  #joinOutside(): void {
    this.#joinByVeth('outside');
    for (const [family, length] of [
      ['IPv4', 24],
      ['IPv6', 64],
    ] as const) {
      this.#addAddress('node', `${addresses.node[family]}/${length}`, 'outside');
      this.#addAddress('outside', `${addresses.outside[family]}/${length}`, 'eth0');
      this.ip('node', 'route', 'add', 'default', 'via', addresses.outside[family]);
    }
  }

  /** The node's end has the name of the place. */
  #joinByVeth(place: Place): void {
    this.ip('node', 'link', 'add', place, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#nameOf(place));
    this.ip('node', 'link', 'set', place, 'up');
    this.ip(place, 'link', 'set', 'eth0', 'up');
  }

  /** Usable at once: nobody else has it. */
  #addAddress(place: Place, address: string, device: string): void {
    this.ip(place, 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
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

export type Place = 'node' | 'pod1' | 'pod2' | 'outside' | 'remote' | 'docker0';

interface Addresses {
  readonly IPv4: string;
  readonly IPv6: string;
}

export const addresses: Readonly<Record<Place, Addresses>> = {
  node: { IPv4: '172.30.1.1', IPv6: 'fd00:172:30:1::1' },
  pod1: { IPv4: '10.244.1.2', IPv6: 'fd00:10:244:1::2' },
  pod2: { IPv4: '10.244.1.3', IPv6: 'fd00:10:244:1::3' },
  outside: { IPv4: '172.30.1.2', IPv6: 'fd00:172:30:1::2' },
  remote: { IPv4: '10.244.2.2', IPv6: 'fd00:10:244:2::2' },
  docker0: { IPv4: '172.17.0.2', IPv6: 'fd00:172:17::2' },
};

/** The node, as its Pods see it. */
const podGateway: Addresses = { IPv4: '169.254.1.1', IPv6: 'fd00:169::1' };

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
