import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { SocketAddress } from '../forward/mod.ts';
import { encodeQuestion, exchangeTcp } from './stub-client.ts';

/** PEM texts of a server that speaks DNS over TLS. */
export interface ServerTls {
  readonly certPem: string;
  readonly keyPem: string;
}

/** All of them answer with these: a name, a long text that no datagram holds, and nothing else below `example`. */
export const record = { name: 'www.example', address: '192.0.2.80' } as const;
export const longRecord = { name: 'long.example', texts: 10, textLength: 250 } as const;

const longTexts = Array.from({ length: longRecord.texts }, (_, index) =>
  String(index).padEnd(longRecord.textLength, 'x'),
);

const address = '127.0.0.1';

interface Files {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly tls: ServerTls | undefined;
  readonly write: (name: string, text: string) => string;
}

interface Kind {
  readonly program: string;
  /** Of Debian. */
  readonly package: string;
  readonly speaksTls: boolean;
  readonly words: (files: Files) => string[];
}

const certificates = ({ tls, write }: Files) =>
  tls && { cert: write('cert.pem', tls.certPem), key: write('key.pem', tls.keyPem) };

function unboundWords(files: Files): string[] {
  const { port, tlsPort, folder, write } = files;
  const tls = certificates(files);
  const longData = longTexts.map((text) => `local-data: '${longRecord.name}. 60 IN TXT "${text}"'`);
  const conf = `server:
    directory: "${folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    module-config: "iterator"
    interface: ${address}@${port}
    ${tls ? `interface: ${address}@${tlsPort}\n    tls-port: ${tlsPort}\n    tls-service-pem: "${tls.cert}"\n    tls-service-key: "${tls.key}"` : ''}
    access-control: 127.0.0.0/8 allow
    local-zone: "example." static
    local-data: "example. 60 IN SOA ns.example. h.example. 1 2 3 4 30"
    local-data: "${record.name}. 60 IN A ${record.address}"
    ${longData.join('\n    ')}
`;
  return ['-d', '-c', write('unbound.conf', conf)];
}

function namedWords(files: Files): string[] {
  const { port, tlsPort, folder, write } = files;
  const tls = certificates(files);
  const zone = `$TTL 60
@ IN SOA ns.example. h.example. 1 2 3 4 30
@ IN NS ns.example.
ns IN A 127.0.0.1
www IN A ${record.address}
${longTexts.map((text) => `long IN TXT "${text}"`).join('\n')}
`;
  const conf = `${tls ? `tls local { cert-file "${tls.cert}"; key-file "${tls.key}"; };` : ''}
options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${folder}";
  listen-on port ${port} { ${address}; };
  ${tls ? `listen-on port ${tlsPort} tls local { ${address}; };` : ''}
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
};
controls { };
zone "example" { type primary; file "${write('example.zone', zone)}"; };
`;
  return ['-g', '-n', '1', '-c', write('named.conf', conf)];
}

const dnsmasqWords = ({ port }: Files): string[] => [
  ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file='],
  ...[
    '--user=root',
    '--bind-interfaces',
    `--listen-address=${address}`,
    `--port=${port}`,
    '--local=/example/',
    '--local-ttl=60',
  ],
  `--host-record=${record.name},${record.address}`,
  `--txt-record=${longRecord.name},${longTexts.join(',')}`,
];

export const realResolvers = {
  unbound: { program: 'unbound', package: 'unbound', speaksTls: true, words: unboundWords },
  named: { program: 'named', package: 'bind9', speaksTls: true, words: namedWords },
  dnsmasq: { program: 'dnsmasq', package: 'dnsmasq-base', speaksTls: false, words: dnsmasqWords },
} as const satisfies Record<string, Kind>;

/** For a test's `skip`. */
export const withoutResolver = (...kinds: Kind[]): string | false => {
  // Not by a flag: `dnsmasq -h` means "without hosts", and starts.
  const missing = kinds.filter(({ program }) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  return missing.length > 0 && `not installed: ${missing.map((kind) => kind.package).join(', ')}`;
};

const giveUpMs = 30_000;

/** A resolver as Debian has it, on loopback. */
export class RealResolver implements SocketAddress {
  readonly address = address;
  readonly port: number;
  readonly tlsPort: number;
  readonly #kind: Kind;
  readonly #words: string[];
  #process: ChildProcess | undefined;
  #said = '';

  /** Ended with the test. */
  static async start(t: TestContext, kind: Kind, tls?: ServerTls): Promise<RealResolver> {
    const folder = mkdtempSync(join(tmpdir(), `signalbox-${kind.program}-`));
    const [port, tlsPort] = await freePorts(2);
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const files = { folder, port: port!, tlsPort: tlsPort!, tls, write };
    const resolver = new RealResolver(kind, files);
    t.after(async () => {
      await resolver.kill();
      rmSync(folder, { recursive: true });
    });
    await resolver.start();
    return resolver;
  }

  private constructor(kind: Kind, files: Files) {
    this.#kind = kind;
    this.port = files.port;
    this.tlsPort = files.tlsPort;
    this.#words = kind.words(files);
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    // A group of its own: dnsmasq has a process for each connection, which would outlive it and keep the port.
    const child = spawn(this.#kind.program, this.#words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#said += chunk));
    const deadline = performance.now() + giveUpMs;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`${this.#kind.program} does not answer\n${this.#said}`);
      }
      await wait(20);
    }
  }

  /** As a power cut does it; its connections are reset. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    process.kill(-child.pid!, 'SIGKILL');
    await exited;
  }

  async #answers(): Promise<boolean> {
    try {
      await exchangeTcp(this, encodeQuestion({ name: record.name, type: 'A' }));
      return true;
    } catch {
      return false;
    }
  }
}

/** They are told what to listen on before they run; somebody else may be faster, but hardly ever is. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, address));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
