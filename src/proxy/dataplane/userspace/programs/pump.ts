import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { createStreamSystem, withNetns } from '../../../../kernel/mod.ts';
import { Balancer } from '../balancer.ts';
import { Pump } from '../pump.ts';
import type { PumpOrder, PumpSetup } from '../pump-thread.ts';

/** A thread whose event loop is the pump's: nothing else runs in it, and orders are looked for when it is woken. */
const { netns, connectionsLimit, wake, counters } = workerData as PumpSetup;

/** The main thread, when it exits, waits for this one to come out of the kernel. */
const longestWaitMs = 250;

if (netns === undefined) run();
else withNetns(netns, run);

function run(): void {
  const system = createStreamSystem();
  const clock = { monotonicMs: () => Number(process.hrtime.bigint()) / 1e6 };
  const pump = new Pump({ system, clock, connectionsLimit });
  const balancers = new Map<number, Balancer>();
  const calls = Buffer.alloc(64);
  let isDraining = false;
  let isEnding = false;
  system.watch(wake);
  while (!isEnding) {
    pump.turn(longestWaitMs);
    Atomics.store(counters, 0, pump.connections);
    while (system.read(wake, calls) > 0);
    for (let next = receiveMessageOnPort(parentPort!); next; next = receiveMessageOnPort(parentPort!)) {
      const order = next.message as PumpOrder;
      if (order.do === 'end') isEnding = true;
      else if (order.do === 'drain') isDraining = true;
      else carryOut(order, pump, balancers, clock);
    }
    if (isDraining && pump.connections === 0) isEnding = true;
  }
  pump.end();
}

function carryOut(
  order: Exclude<PumpOrder, { do: 'drain' | 'end' }>,
  pump: Pump,
  balancers: Map<number, Balancer>,
  clock: ConstructorParameters<typeof Balancer>[0],
): void {
  switch (order.do) {
    case 'open': {
      const balancer = new Balancer(clock);
      balancers.set(order.descriptor, balancer);
      pump.open(order.descriptor, balancer);
      return;
    }
    case 'update':
      balancers.get(order.descriptor)?.update(order.targets, order.affinitySeconds);
      return;
    case 'close':
      balancers.delete(order.descriptor);
      pump.close(order.descriptor);
  }
}
