import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { netnsPath } from '../kernel/mod.ts';
import { Service } from '../kube/mod.ts';
import { applyManifests, type Manifest, readManifests } from './apply.ts';
import { type Cluster, startCluster, type Tools } from './cluster.ts';
import { type ClusterLayout, checkClusterName } from './layout.ts';
import { createProofContext, hasKubectl } from './peers.ts';
import { prove } from './proof/mod.ts';
import { renderScreen } from './screen.ts';
import { type Attempt, type Place, sendRequests, startStream, type TrafficStream } from './traffic.ts';
import { until } from './wait.ts';
import { deploymentsAreReady, firstService, nodesAreReady, readyEndpointsOf, systemIsReady } from './workload.ts';

export interface UpOptions {
  readonly name: string;
  readonly nodes: number;
  readonly stateRoot: string;
  readonly manifestFile: string;
  /** Check what the screen shows with real packets, then tear down, instead of staying up. */
  readonly check: boolean;
  /** Resolves when somebody wants it to end. */
  readonly interrupted: Promise<unknown>;
}

export type Outcome = 'ok' | 'failed' | 'interrupted';

/** `signalbox up`, from the first step to the last trace removed. */
export async function runUp(options: UpOptions, tools: Tools): Promise<Outcome> {
  checkClusterName(options.name);
  const manifests = readManifests(readManifestFile(options.manifestFile), options.manifestFile);
  const interruption = new AbortController();
  let isUp = false;
  // Once the cluster is up, an interruption is the ordinary end.
  void options.interrupted.then(() => isUp || interruption.abort(new Error('interrupted')));
  let cluster: Cluster | undefined;
  const work = async (running: Cluster): Promise<Outcome> => {
    const service = await bringUp(running, manifests, tools);
    if (options.check) return await checkAll(running, service, tools);
    isUp = true;
    tools.progress.line('Ctrl-C ends the cluster and leaves nothing behind.');
    await options.interrupted;
    return 'ok';
  };
  try {
    cluster = await startCluster({ ...options, signal: interruption.signal }, tools);
    return await untilAborted(work(cluster), cluster.signal);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    return 'interrupted';
  } finally {
    if (cluster) await tools.progress.step('everything removed', () => cluster?.remove());
  }
}

/** Gives the work up as soon as the signal aborts; what it was waiting for goes away with the cluster. */
async function untilAborted<Value>(running: Promise<Value>, signal: AbortSignal): Promise<Value> {
  running.catch(() => {});
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([running, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

type Shown = { readonly namespace: string; readonly name: string; readonly vip: string } | undefined;

/** Applies the manifest, waits until all of it works, and shows it. */
async function bringUp(cluster: Cluster, manifests: readonly Manifest[], tools: Tools): Promise<Shown> {
  const { client, layout, signal } = cluster;
  const { clock, progress } = tools;
  const watching = { client, clock, signal };
  await progress.step(`${countOf(layout.nodes.length, 'node')} ready`, () => nodesAreReady(watching, layout));
  await progress.step(`${countOf(manifests.length, 'object')} applied`, () => applyManifests(client, manifests));
  const service = await shownService(cluster, manifests);
  if (service)
    await progress.step(`first answer through the VIP ${service.vip}`, () =>
      firstAnswer(layout, service.url, clock, signal),
    );
  await progress.step('service proxy and DNS ready on every node', () => systemIsReady(watching, layout));
  await progress.step('every replica ready', () => deploymentsAreReady(watching, manifests));
  const answers = service ? await sendRequests(placeOfNode(layout), service.url, 4, 1) : [];
  const endpoints = service ? await readyEndpointsOf(client, service) : [];
  progress.line(`\n${await renderScreen({ layout, client, service, endpoints, answers, kubectl: hasKubectl() })}`);
  return service;
}

async function checkAll(cluster: Cluster, service: Shown, tools: Tools): Promise<Outcome> {
  const { progress } = tools;
  if (!service) throw new UsageError('Check the cluster', 'the manifest has no Service with a VIP');
  const context = await createProofContext(cluster, service, tools);
  const verdicts = await prove(context, ({ title, passed, details }) =>
    passed ? progress.passed(title, details) : progress.failed(title, details),
  );
  const failed = verdicts.filter(({ passed }) => !passed).length;
  progress.line(`${verdicts.length - failed} checks passed, ${failed} failed`);
  return failed === 0 ? 'ok' : 'failed';
}

async function shownService({ client }: Cluster, manifests: readonly Manifest[]) {
  const found = firstService(manifests);
  if (!found) return undefined;
  const { spec } = await client.get(Service, found.name, { namespace: found.namespace });
  const port = spec.ports?.find(({ protocol }) => protocol === 'TCP')?.port;
  const vip = spec.clusterIP;
  if (vip === undefined || vip === '' || vip === 'None' || port === undefined) return undefined;
  return { ...found, vip, url: `http://${vip}:${port}/` };
}

/** From the first node's own namespace: a new connection every few milliseconds until one is answered. */
async function firstAnswer(layout: ClusterLayout, url: string, clock: Clock, signal: AbortSignal): Promise<Attempt> {
  const stream = startStream(placeOfNode(layout), url, 5);
  try {
    return await until(clock, `a connection to ${url} is answered`, () => answered(stream), { signal });
  } finally {
    await stream.stop();
  }
}

const answered = ({ attempts }: TrafficStream): Attempt | undefined =>
  attempts.find(({ answer }) => answer !== undefined);

const placeOfNode = ({ nodes, stateDir }: ClusterLayout): Place => ({
  netns: netnsPath(nodes[0]?.namespace ?? ''),
  stateDir,
});

function readManifestFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Read ${file}`, messageOf(error));
  }
}
