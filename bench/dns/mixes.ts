import { big, nameOf, namespaceOf } from './objects.ts';

export interface Mix {
  readonly name: string;
  readonly protocol?: 'udp' | 'tcp';
  readonly edns?: boolean;
  /** The answer code of every question. */
  readonly code: 'NOERROR' | 'NXDOMAIN';
  question(service: number, random: () => number): string;
}

const domain = 'cluster.local';

/** What a Pod in `namespace` asks for a name of another namespace before it comes to the right one (ndots:5). */
const searchExpansions = (service: number): readonly string[] => [
  `${nameOf(service)}.${namespaceOf(service)}.svc.${domain}`,
  `${nameOf(service)}.svc.${domain}`,
  `www.example.com.${namespaceOf(service)}.svc.${domain}`,
  `www.example.com.svc.${domain}`,
  `www.example.com.${domain}`,
];

const address = (name: string, random: () => number): string => `${name} ${random() < 0.5 ? 'A' : 'AAAA'}`;

/** DNS 0x20: the answer must come back with the letters as they were sent. */
const inRandomCase = (name: string, random: () => number): string =>
  name.replaceAll(/[a-z]/g, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter));

export const mixes: readonly Mix[] = [
  { name: 'hits', code: 'NOERROR', question: (service) => `${nameOf(service)}.${domain} A` },
  {
    name: 'nxdomain',
    code: 'NXDOMAIN',
    question(service, random) {
      const names = searchExpansions(service);
      return address(names[Math.floor(random() * names.length)]!, random);
    },
  },
  { name: 'srv', code: 'NOERROR', question: (service) => `_http._tcp.${nameOf(service)}.${domain} SRV` },
  {
    name: 'headless-1000',
    code: 'NOERROR',
    edns: true,
    question: () => `${big.name}.${big.namespace}.svc.${domain} A`,
  },
  {
    name: 'headless-1000-tcp',
    code: 'NOERROR',
    protocol: 'tcp',
    question: () => `${big.name}.${big.namespace}.svc.${domain} A`,
  },
  {
    name: 'random-case',
    code: 'NOERROR',
    question: (service, random) => `${inRandomCase(`${nameOf(service)}.${domain}`, random)} A`,
  },
  { name: 'tcp', code: 'NOERROR', protocol: 'tcp', question: (service) => `${nameOf(service)}.${domain} A` },
];

/** A file of questions about Services chosen at random; the same each time. */
export function questionsOf(mix: Mix, services: number, count: number): string[] {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => mix.question(Math.floor(random() * services), random));
}
