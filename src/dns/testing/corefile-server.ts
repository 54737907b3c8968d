import type { NetworkInterfaceInfo } from 'node:os';
import type { TestContext } from 'node:test';
import { createApiServer } from '../../apiserver/mod.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import { type Client, createClient } from '../../client/mod.ts';
import { createMemoryStore } from '../../store/mod.ts';
import { CorefileServer, type CorefileServerOptions } from '../service/mod.ts';
import { fakeFiles } from './corefiles.ts';
import { type Decoded, decode, encodeQuestion, exchangeUdp } from './stub-client.ts';

export const corefilePath = '/etc/coredns/Corefile';

/** An API server in this process, with a client for the test. */
export async function testApi(t: TestContext) {
  const store = createMemoryStore();
  const options = { store, clock: systemClock, advertiseAddress: '192.0.2.1', advertisePort: 6443 };
  const api = await createApiServer({ ...options, log: createLogger({ now: () => 0, write: () => {} }) });
  const connect = (): Client => createClient({ userAgent: 'test', exchange: api.exchange });
  const client = connect();
  t.after(async () => {
    await client.close();
    await api.stop();
    await store.close();
  });
  return { client, connect };
}

/** A machine whose only address is this one, of loopback: port 53 is free there, whoever else has it elsewhere. */
export const onlyAddress = (address: string) => (): { lo: NetworkInterfaceInfo[] } => ({
  lo: [
    { address, netmask: '255.0.0.0', family: 'IPv4', mac: '00:00:00:00:00:00', internal: true, cidr: `${address}/8` },
  ],
});

/** One of loopback's 16 million, this process's own. */
export const ownLoopback = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255}`;

/** A server over a Corefile that the test may change; started unless it says otherwise, stopped with the test. */
export async function corefileServer(
  t: TestContext,
  text: string,
  options: Partial<CorefileServerOptions> & {
    files?: CorefileServerOptions['files'];
    start?: boolean;
    clock?: Clock;
  } = {},
) {
  const texts: Record<string, string> = { [corefilePath]: text };
  const logs: string[] = [];
  const queries: string[] = [];
  const server = new CorefileServer({
    path: corefilePath,
    files: fakeFiles(texts),
    connect: () => {
      throw new Error('this test has no cluster');
    },
    clock: systemClock,
    log: createLogger({ now: () => 0, write: (line) => logs.push(line.slice(25).trim()) }),
    random: () => 0.5,
    writeQueryLog: (line) => queries.push(line),
    ...options,
  });
  t.after(() => server.stop());
  if (options.start !== false) await server.start();
  const ask = async (name: string, type = 'A', port?: number): Promise<Decoded> => {
    const at = server.addresses.find((address) => port === undefined || address.port === port) ?? server.addresses[0]!;
    return decode(await exchangeUdp(at, encodeQuestion({ name, type, ednsBytes: 1232 })));
  };
  return { server, texts, logs, queries, ask };
}
