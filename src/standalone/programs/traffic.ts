/**
 * A client that runs inside a Pod's (or any) namespaces and says what happened to each of its connections, one JSON
 * line each. Only Node.js builtins, so that it starts fast.
 * usage: traffic.ts requests COUNT CONCURRENCY URL     COUNT new connections
 *        traffic.ts stream INTERVAL_MS URL             a new connection every INTERVAL_MS until standard input ends
 *        traffic.ts resolve NAME ...                   getaddrinfo(3) with the namespace's resolv.conf
 *        traffic.ts names INTERVAL_MS NAME ...         the same every INTERVAL_MS, in turn, until standard input ends
 */
import { lookup } from 'node:dns/promises';
import http from 'node:http';

/** One connection; times are milliseconds since the epoch. */
export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** The body of a 200 answer, trimmed. */
  readonly answer?: string;
  readonly error?: string;
}

export interface Resolution {
  readonly name: string;
  readonly addresses?: readonly string[];
  readonly error?: string;
}

/** A connection that is neither made nor refused within this time has failed. */
const timeoutMs = 5000;

if (import.meta.main) await run(process.argv.slice(2));

async function run([mode, ...words]: string[]): Promise<void> {
  if (mode === 'requests') await requests(Number(words[0]), Number(words[1]), words[2] ?? '');
  else if (mode === 'stream') await every(Number(words[0]), () => connect(words[1] ?? ''));
  else if (mode === 'names')
    await every(Number(words[0]), (turn) => resolve(words[1 + (turn % (words.length - 1))] ?? ''));
  else if (mode === 'resolve') for (const name of words) print(await resolve(name));
  else throw new Error(`Unknown mode ${mode}`);
}

async function requests(count: number, concurrency: number, url: string): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) print(await connect(url));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Does it again and again, whether the one before has ended or not, and prints what comes of each. */
async function every(intervalMs: number, attempt: (turn: number) => Promise<Attempt | Resolution>): Promise<void> {
  const open = new Set<Promise<void>>();
  let turn = 0;
  const timer = setInterval(() => {
    const running: Promise<void> = attempt(turn++).then((result) => {
      open.delete(running);
      print(result);
    });
    open.add(running);
  }, intervalMs);
  await new Promise<void>((ended) => process.stdin.resume().once('end', ended));
  clearInterval(timer);
  await Promise.all(open);
}

function connect(url: string): Promise<Attempt> {
  const startedMs = Date.now();
  return new Promise((resolve) => {
    const done = (outcome: { answer: string } | { error: string }) =>
      resolve({ startedMs, endedMs: Date.now(), ...outcome });
    const request = http.get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('error', (error) => done({ error: error.message }));
      response.on('end', () =>
        done(response.statusCode === 200 ? { answer: body.trim() } : { error: `HTTP ${response.statusCode}` }),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', (error) => done({ error: error.message }));
  });
}

async function resolve(name: string): Promise<Resolution> {
  try {
    const found = await lookup(name, { all: true, family: 4 });
    return { name, addresses: found.map(({ address }) => address) };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

function print(line: Attempt | Resolution): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
