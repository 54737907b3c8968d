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
import { type Attempt, sendRequests, startStream, type TrafficStream } from './traffic.ts';
import { until } from './wait.ts';
import { deploymentsAreReady, firstService, nodesAreReady, readyEndpointsOf } from './workload.ts';

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
  const controller = new AbortController();
  let interrupted = false;
  void options.interrupted.then(() => {
    interrupted = true;
    controller.abort(new Error('interrupted'));
  });
  let cluster: Cluster | undefined;
  try {
    cluster = await startCluster({ ...options, signal: controller.signal }, tools);
    const service = await bringUp(cluster, manifests, tools, controller.signal);
    if (options.check) return await checkAll(cluster, service, tools);
    tools.progress.line('Ctrl-C ends the cluster and leaves nothing behind.');
    await options.interrupted;
    return 'ok';
  } catch (error) {
    if (!interrupted) throw error;
    tools.progress.line(`Interrupted: ${messageOf(error)}`);
    return 'interrupted';
  } finally {
    if (cluster) await tools.progress.step('everything removed', () => cluster?.remove());
  }
}

type Shown = { readonly namespace: string; readonly name: string; readonly vip: string } | undefined;

/** Applies the manifest, waits until all of it works, and shows it. */
async function bringUp(
  cluster: Cluster,
  manifests: readonly Manifest[],
  tools: Tools,
  signal: AbortSignal,
): Promise<Shown> {
  const { client, layout } = cluster;
  const { clock, progress } = tools;
  const watching = { client, clock, signal };
  await progress.step(`${manifests.length} objects applied`, () => applyManifests(client, manifests));
  const service = await shownService(cluster, manifests);
  if (service)
    await progress.step(`first answer through the VIP ${service.vip}`, () =>
      firstAnswer(layout, service.url, clock, signal),
    );
  await progress.step(`${layout.nodes.length} nodes ready, each with its proxy and DNS`, () =>
    nodesAreReady(watching, layout),
  );
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

const placeOfNode = (layout: ClusterLayout) => ({ netns: netnsPath(layout.nodes[0]?.namespace ?? '') });

function readManifestFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Read ${file}`, messageOf(error));
  }
}
