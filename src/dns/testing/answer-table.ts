import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { SocketAddress } from '../forward/mod.ts';
import { type Ask, decode, encodeQuestion, exchangeTcp, exchangeUdp, zoneLines } from './stub-client.ts';

export const domain = 'cluster.local';
export const soa = `${domain}. 5 IN SOA ns.dns.${domain}. hostmaster.${domain}. SERIAL 7200 1800 86400 5`;
export const svc = (name: string) => `${name}.svc.${domain}.`;

/** A question and its answer in zone syntax. */
export interface Case {
  /** Name without the domain when it ends in svc or pod; then the type. */
  readonly ask: string;
  readonly rcode?: string;
  readonly answers?: readonly string[];
  readonly extra?: readonly string[];
  /** Zone whose SOA stands in the authority section; default: the cluster's, when there are no answers. */
  readonly soa?: string | false;
  /** All of the authority section, where it is not the cluster's SOA record. */
  readonly authorities?: readonly string[];
}

export const fullName = (ask: string): Ask => {
  const [name = '', type = 'A'] = ask.split(' ');
  return { name: /(^|\.)(svc|pod)$/.test(name) ? `${name}.${domain}` : name, type };
};

/** Compression may show a name in the case of an earlier one: DNS compares without case, and so do the tables. */
const lower = (lines: readonly string[] = []): string[] => lines.map((line) => line.toLowerCase()).sort();

/** Asks over UDP and TCP sockets. */
export async function askAll(at: SocketAddress, table: readonly Case[]): Promise<void> {
  for (const wanted of table) {
    const question = encodeQuestion(fullName(wanted.ask));
    check(await exchangeUdp(at, question), wanted);
    check((await exchangeTcp(at, question))[0]!, wanted);
  }
}

function check(message: Buffer, wanted: Case): void {
  const answer = decode(message);
  assert.equal(answer.rcode, wanted.rcode ?? 'NOERROR', wanted.ask);
  assert.deepEqual(lower(zoneLines(answer.answers)), lower(wanted.answers), wanted.ask);
  assert.deepEqual(lower(zoneLines(answer.additionals)), lower(wanted.extra), wanted.ask);
  if (wanted.authorities) {
    assert.deepEqual(lower(zoneLines(answer.authorities)), lower(wanted.authorities), wanted.ask);
    return;
  }
  const expectedSoa = wanted.soa ?? (wanted.answers ? false : domain);
  const owner = typeof expectedSoa === 'string' ? expectedSoa.split(' ')[0]!.replace(/\.$/, '') : undefined;
  const authorities = zoneLines(answer.authorities);
  if (owner === undefined) assert.deepEqual(authorities, [], wanted.ask);
  else assert.match(authorities.join('\n'), soaOf(owner), wanted.ask);
}

const soaOf = (owner: string) =>
  new RegExp(
    `^${owner}\\. 5 IN SOA ns\\.dns\\.(\\S+) hostmaster\\.\\1 SERIAL 7200 1800 86400 5$`.replaceAll('/', '\\/'),
  );

/** Why a test with dig is skipped, or false. */
export const withoutDig = spawnSync('dig', ['-v']).error !== undefined && 'dig is not on the PATH';

/** What dig prints, whole. */
export async function dig(at: SocketAddress, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('dig', [`@${at.address}`, '-p', String(at.port), '+tries=1', ...words]);
  return stdout;
}

/** Asks with dig; transfers and ANY, which dig treats in its own way, aside. */
export async function digAll(at: SocketAddress, table: readonly Case[]): Promise<void> {
  for (const { ask, rcode = 'NOERROR', answers = [] } of table.filter(({ ask }) => !/ (AXFR|IXFR|ANY)$/.test(ask))) {
    const { name, type } = fullName(ask);
    const stdout = await dig(at, '+noall', '+comments', '+answer', name, type);
    assert.match(stdout, new RegExp(`status: ${rcode},`), ask);
    const records = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
    const normal = records
      .map((line) => line.split(/\s+/).join(' '))
      .map((line) => line.replace(/( SOA \S+ \S+) \d+/, '$1 SERIAL'));
    assert.deepEqual(lower(normal), lower(answers), ask);
    assert.doesNotMatch(stdout, /malformed|extra bytes|mismatch/i, ask);
  }
}
