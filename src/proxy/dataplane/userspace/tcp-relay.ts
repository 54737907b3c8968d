import { listenStream, withNetns } from '../../../kernel/mod.ts';
import type { Family } from '../../plan/mod.ts';
import type { PumpThread } from './pump-thread.ts';
import type { Target } from './target.ts';

/** Takes the connections of one port of a Service; the pump's thread relays them. */
export class TcpRelay {
  readonly port: number;
  readonly #pump: PumpThread;
  readonly #descriptor: number;

  /** Throws KernelError when no port can be had. */
  constructor(pump: PumpThread, family: Family, netns: string | undefined) {
    const listen = () => listenStream(family);
    const { descriptor, port } = netns === undefined ? listen() : withNetns(netns, listen);
    this.port = port;
    this.#pump = pump;
    this.#descriptor = descriptor;
    pump.order({ do: 'open', descriptor });
  }

  update(targets: readonly Target[], affinitySeconds: number | undefined): void {
    const plain = targets.map(({ address, port }) => ({ address, port }));
    this.#pump.order({ do: 'update', descriptor: this.#descriptor, targets: plain, affinitySeconds });
  }

  /** Takes no more connections; those that are open go on to their end. */
  close(): void {
    this.#pump.order({ do: 'close', descriptor: this.#descriptor });
  }
}
