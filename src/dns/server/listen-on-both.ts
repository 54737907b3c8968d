import { codeOf } from '../../base/errors.ts';
import type { ListenAddress } from '../../kernel/mod.ts';
import type { SocketAddress } from '../forward/mod.ts';
import type { TcpListener } from './tcp-listener.ts';
import type { UdpListener } from './udp-listener.ts';

/** How often a port that is free for TCP may turn out to be somebody's for UDP. */
const mostTries = 10;

interface Both {
  readonly tcp: TcpListener;
  readonly udp: UdpListener;
  readonly bound: SocketAddress;
}

/**
 * Listens by TCP and by UDP at one port; port 0 takes one that is free for both. Rejects with OperatingError, and nothing
 * listens then.
 */
export async function listenOnBoth(
  at: ListenAddress,
  createTcp: (at: ListenAddress) => TcpListener,
  createUdp: (at: ListenAddress) => UdpListener,
): Promise<Both> {
  // TCP first: a free TCP port is more likely to be free for UDP too than the other way round.
  for (let tries = 1; ; tries++) {
    const tcp = createTcp(at);
    const bound = await tcp.listen();
    const udp = createUdp({ ...bound, takeOver: at.takeOver });
    try {
      await udp.listen();
      return { tcp, udp, bound };
    } catch (error) {
      await tcp.close();
      if (at.port !== 0 || codeOf(error) !== 'EADDRINUSE' || tries === mostTries) throw error;
    }
  }
}
