import type { EndpointSlice, Service, ServicePort } from '../../src/kube/mod.ts';
import type { Family } from '../../src/proxy/plan/mod.ts';
import type { ProxySettings } from '../../src/proxy/settings.ts';
import type { Place } from '../../src/proxy/testing/network.ts';
import type { SubjectName } from './subjects.ts';

/** One situation, and what becomes of packets in it: the same in every dataplane and in both families. */
export interface Scenario {
  readonly title: string;
  readonly settings?: ProxySettings;
  /** Of the only Service, `web`, which has the port 80 and the node port 30080; by default a LoadBalancer with every frontend. */
  readonly spec?: (at: Targets) => Partial<Service['spec']>;
  /** Of the Service. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Instead of the one port. */
  readonly ports?: readonly ServicePort[];
  /** Of a flow that does not say; default: TCP. */
  readonly protocol?: FlowProtocol;
  readonly endpoints: readonly ScenarioEndpoint[];
  /** Of the slice with these endpoints; default: the one port, to 9376. */
  readonly slicePorts?: EndpointSlice['ports'];
  /** Further slices of the same Service. */
  readonly moreSlices?: readonly ScenarioSlice[];
  /** Who answers at the load balancer's address: the node (`VIP`, the default) or a balancer in front of it, at `balancer`. */
  readonly ipMode?: 'VIP' | 'Proxy';
  /** The load balancer's address; default `lb`, or `balancer` with ipMode Proxy. */
  readonly ingress?: keyof Targets;
  /** Another Service's, which has the same external addresses on port 81. */
  readonly neighbour?: readonly ScenarioEndpoint[];
  /** What the node's labels say. */
  readonly zone?: string;
  /** See `parseFlow`. */
  readonly flows: readonly string[];
  /** Default: both. */
  readonly families?: readonly Family[];
  /** Why a dataplane cannot do this. */
  readonly skip?: { readonly [subject in SubjectName]?: string };
}

export type FlowProtocol = 'TCP' | 'UDP' | 'SCTP';

export interface ScenarioSlice {
  readonly endpoints: readonly ScenarioEndpoint[];
  readonly ports?: EndpointSlice['ports'];
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where every endpoint listens; flows name the port of all but the first: `pod1:9377`. */
export const endpointPorts = [9376, 9377] as const;
export const [endpointPort] = endpointPorts;

/** The node's own server, which no rule leads to or away from. */
export const healthCheckPort = 30_999;

/** An endpoint on port 9376 unless its slice says otherwise: ready unless it says otherwise. `node` is a Pod in the host's network. */
export type ScenarioEndpoint = EndpointPlace | ({ readonly at: EndpointPlace } & Partial<SliceEndpoint>);
export type EndpointPlace = Exclude<Place, 'outside' | 'docker0'>;
type SliceEndpoint = EndpointSlice['endpoints'][number];

/** Addresses that clients connect to, of one family. */
export interface Targets {
  readonly vip: string;
  readonly external: string;
  readonly lb: string;
  /** A load balancer outside of the cluster, which has this address itself. */
  readonly balancer: string;
  readonly node: string;
  /** Another address of the node: the one that its Pods know it by. */
  readonly gateway: string;
  readonly localhost: string;
}

export const targets: Readonly<Record<Family, Targets>> = {
  IPv4: {
    vip: '10.96.0.10',
    external: '192.0.2.10',
    lb: '198.51.100.10',
    balancer: '198.51.100.20',
    node: '172.30.1.1',
    gateway: '169.254.1.1',
    localhost: '127.0.0.1',
  },
  IPv6: {
    vip: 'fd00:10:96::10',
    external: '2001:db8:2::10',
    lb: '2001:db8:51::10',
    balancer: '2001:db8:51::20',
    node: 'fd00:172:30:1::1',
    gateway: 'fd00:169::1',
    localhost: '::1',
  },
};

/** A line of a scenario: who connects where, and what comes of it. */
export interface Flow {
  readonly text: string;
  readonly client: Place;
  readonly target: keyof Targets;
  readonly port: number;
  /** Absent: the scenario's. */
  readonly protocol?: FlowProtocol;
  /** In these dataplanes only; absent: in all. */
  readonly subjects?: readonly string[];
  readonly expected: Expected;
}

export type Expected =
  /**
   * Each with the same probability. `sticks`: whichever it is, the client's next connection goes there too. `relayed`: by
   * a process of the node, to which the rules lead.
   */
  | {
      readonly kind: 'reaches';
      readonly ends: readonly ExpectedEnd[];
      readonly sticks: boolean;
      readonly relayed?: true;
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'dropped' }
  /** No rule of ours touches it, and it is delivered to the node, where nobody listens. */
  | { readonly kind: 'untouched' }
  /** No rule of ours touches it, and a server of the node has that port. */
  | { readonly kind: 'answered by the node' }
  /** No rule of ours touches it, and it goes its way: to the balancer. */
  | { readonly kind: 'routed on' };

export interface ExpectedEnd {
  /** `pod1`, or with another port than the usual one `pod1:9377`. */
  readonly place: string;
  /** The endpoint sees one of the node's addresses instead of its client's. */
  readonly masqueraded: boolean;
}

/**
 * `pod1 to vip:80: pod1 masqueraded, remote:9377`, `outside to lb:53/UDP: sticks to pod1, pod2`, `node to node:30080: refused`
 * (or another of `ends`); with a dataplane's name in brackets in front it is for that one only.
 */
export function parseFlow(text: string): Flow {
  const line =
    /^(?:\[(?<subjects>[^\]]+)\] )?(?<client>\w+) to (?<target>\w+):(?<port>\d+)(?:\/(?<protocol>\w+))?: (?<expected>.+)$/;
  const { subjects, client, target, port, protocol, expected } = line.exec(text)?.groups ?? {};
  if (expected === undefined) throw new TypeError(`Cannot read the flow "${text}"`);
  return {
    text,
    client: client as Place,
    target: target as keyof Targets,
    port: Number(port),
    ...(protocol !== undefined && { protocol: protocol as FlowProtocol }),
    ...(subjects !== undefined && { subjects: subjects.split(', ') }),
    expected: parseExpected(expected),
  };
}

const ends = ['refused', 'dropped', 'untouched', 'answered by the node', 'routed on'] as const;

function parseExpected(text: string): Expected {
  const kind = ends.find((end) => end === text);
  if (kind !== undefined) return { kind };
  const sticks = text.startsWith('sticks to ');
  return {
    kind: 'reaches',
    sticks,
    ends: text
      .replace('sticks to ', '')
      .split(', ')
      .map((end) => {
        const [place = '', how] = end.split(' ');
        return { place, masqueraded: how === 'masqueraded' };
      }),
  };
}

/** The same flow in a dataplane whose own process connects to the endpoints: they always see the node. */
export function relayed(flow: Flow): Flow {
  const { expected } = flow;
  if (expected.kind !== 'reaches') return flow;
  const ends = expected.ends.map(({ place }) => ({ place, masqueraded: true }));
  return { ...flow, expected: { ...expected, ends, relayed: true } };
}
