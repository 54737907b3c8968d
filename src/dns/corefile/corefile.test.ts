import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../base/errors.ts';
import { fakeFiles, kubeadmCorefile } from '../testing/corefiles.ts';
import { type Directives, readCorefile } from './mod.ts';

const path = '/etc/coredns/Corefile';
const read = (text: string, others: Record<string, string> = {}, environment = {}) =>
  readCorefile(path, fakeFiles({ [path]: text, ...others }, environment));

/** The directives of the one block that holds these lines. */
const directives = (...lines: string[]): Directives => read(`. {\n${lines.join('\n')}\n}\n`).blocks[0]!.directives;

const refusal = (text: string, others: Record<string, string> = {}): string => {
  try {
    read(text, others);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return 'nothing is wrong';
};

test("kubeadm's default is understood word for word", () => {
  const { blocks, notices } = read(kubeadmCorefile);
  assert.deepEqual(notices, []);
  assert.equal(blocks.length, 1);
  assert.deepEqual([blocks[0]!.port, blocks[0]!.zones], [53, ['.']]);
  const found = blocks[0]!.directives;
  assert.deepEqual(found.health, { at: { host: '', port: 8080 }, lameDuckMs: 5000 });
  assert.deepEqual(found.ready, { at: { host: '', port: 8181 } });
  assert.deepEqual(found.prometheus, { at: { host: '', port: 9153 } });
  assert.deepEqual(found.reload, { intervalMs: 30_000, jitterMs: 15_000 });
  assert.equal(found.kubernetes?.pods, 'insecure');
  assert.equal(found.kubernetes?.ttlSeconds, 30);
  assert.deepEqual(found.kubernetes?.zones, ['cluster.local', 'in-addr.arpa', 'ip6.arpa']);
  assert.deepEqual(found.kubernetes?.fallthrough, ['in-addr.arpa', 'ip6.arpa']);
  assert.deepEqual(found.forward?.[0]?.to, ['/etc/resolv.conf']);
  assert.equal(found.forward?.[0]?.maxConcurrent, 1000);
  assert.equal(found.cache?.success.maxTtlSeconds, 30);
  assert.deepEqual(found.cache?.disabled, { success: ['cluster.local'], denial: ['cluster.local'] });
  assert.deepEqual([found.loop, found.loadbalance], [true, true]);
});

test('what managed clusters add to it is understood: overrides, servers, stub domains', () => {
  const text = `
.:53 {
    errors
    ready
    health { 
      lameduck 5s
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
      ttl 30
    }
    forward . /etc/resolv.conf
    import custom/*.override
}
consul.local:53 {
    errors
    cache 30
    forward . 10.150.0.1 10.150.0.2:5353 [2001:db8::1]:53
}
import custom/*.server
`;
  const { blocks, notices } = read(text, {
    '/etc/coredns/custom/log.override': 'log\nrewrite name old.example.com new.default.svc.cluster.local',
    '/etc/coredns/custom/hosts.override': 'hosts {\n  10.0.0.1 api.example.com\n  fallthrough\n}\n',
    '/etc/coredns/custom/lab.server': 'lab.local {\n  forward . 10.0.0.53\n}\n',
  });
  assert.deepEqual(notices, []);
  assert.deepEqual(
    blocks.map(({ zones }) => zones),
    [['.'], ['consul.local'], ['lab.local']],
  );
  assert.deepEqual(blocks[0]!.directives.hosts?.inline, ['10.0.0.1 api.example.com']);
  assert.deepEqual(blocks[0]!.directives.hosts?.fallthrough, ['.']);
  assert.equal(blocks[0]!.directives.rewrite?.length, 1);
  assert.deepEqual(blocks[1]!.directives.forward?.[0]?.to, ['10.150.0.1', '10.150.0.2:5353', '[2001:db8::1]:53']);
});

test('an import by a pattern that matches nothing is a notice, and looked at again on reload', () => {
  const { notices, files } = read('. {\n  whoami\n  import custom/*.override\n}\n');
  assert.deepEqual(notices, ['line 3: no file matches import custom/*.override']);
  assert.ok(files.has('/etc/coredns/custom/*.override'));
});

test('snippets, environment, quotes and comments', () => {
  const text = `
# a comment
(common) {
  errors
  cache {$SECONDS}   # another one
}
{$ZONE}:{%PORT%}, example.net {
  import common
  log . "{name} says \\"hi\\""
}
`;
  const { blocks } = read(text, {}, { SECONDS: '17', ZONE: 'Example.Org', PORT: '5353' });
  assert.deepEqual(
    blocks.map(({ zones, port }) => [zones, port]),
    [
      [['example.org'], 5353],
      [['example.net'], 53],
    ],
  );
  assert.equal(blocks[0]!.directives.cache?.success.maxTtlSeconds, 17);
  assert.equal(blocks[0]!.directives.log?.[0]?.format, '{name} says "hi"');
});

test('a file of one block may go without braces', () => {
  const { blocks } = read('example.org:1053\nerrors\nwhoami\n');
  assert.deepEqual(blocks, [
    {
      port: 1053,
      zones: ['example.org'],
      directives: { errors: { stacktrace: false, consolidate: [] }, whoami: true },
    },
  ]);
});

test('zones are names, address ranges and ports', () => {
  const table: [string, number, string[]][] = [
    ['.', 53, ['.']],
    [':1053', 1053, ['.']],
    ['.:54', 54, ['.']],
    ['dns://.:55', 55, ['.']],
    ['Example.ORG.', 53, ['example.org']],
    ['10.0.0.0/24', 53, ['0.0.10.in-addr.arpa']],
    ['10.0.0.0/8:5353', 5353, ['10.in-addr.arpa']],
    ['10.0.0.0/23', 53, ['0.0.10.in-addr.arpa', '1.0.10.in-addr.arpa']],
    ['2001:db8::/32', 53, ['8.b.d.0.1.0.0.2.ip6.arpa']],
    ['0.0.0.0/0', 53, ['in-addr.arpa']],
  ];
  for (const [key, port, zones] of table) {
    const [block] = read(`${key} {\n}\n`).blocks;
    assert.deepEqual([block?.port, block?.zones], [port, zones], key);
  }
});

test('every option of a directive is read', () => {
  const table: [keyof Directives, string[], unknown][] = [
    [
      'kubernetes',
      [
        'kubernetes cluster.local 10.96.0.0/16 {',
        'endpoint https://api:6443',
        'tls a.crt a.key ca.crt',
        'kubeconfig /etc/kubeconfig ctx',
        'namespaces one two',
        'labels environment in (staging, qa),application=nginx',
        'pods verified',
        'endpoint_pod_names',
        'ttl 60',
        'noendpoints',
        'fallthrough',
        'ignore empty_service',
        'startup_timeout 1m30s',
        'wildcards',
        '}',
      ],
      {
        zones: ['cluster.local', '96.10.in-addr.arpa'],
        endpoint: 'https://api:6443',
        tls: { certFile: 'a.crt', keyFile: 'a.key', caFile: 'ca.crt' },
        kubeconfig: { path: '/etc/kubeconfig', context: 'ctx' },
        namespaces: ['one', 'two'],
        labels: 'environment in (staging, qa),application=nginx',
        namespaceLabels: undefined,
        pods: 'verified',
        endpointPodNames: true,
        ttlSeconds: 60,
        endpoints: false,
        fallthrough: ['.'],
        ignoreEmptyServices: true,
        startupTimeoutMs: 90_000,
        wildcards: true,
      },
    ],
    [
      'forward',
      [
        'forward example.org 192.0.2.1 dns://192.0.2.2:5353 tls://[2001:db8::1]:8853 etc/resolv.conf dns.example.org:5353 {',
        'doh_method GET',
        'resolver 192.0.2.9 192.0.2.10:5353',
        'resolve_interval 10s',
        'except a.example.org b.example.org',
        'force_tcp',
        'prefer_udp',
        'expire 20s',
        'max_age 1m',
        'max_idle_conns 4',
        'tls /tls/cert.pem /tls/key.pem /tls/ca.pem',
        'tls_servername dns.example.org',
        'max_fails 3',
        'max_connect_attempts 6',
        'policy sequential',
        'health_check 2s no_rec domain example.org',
        'max_concurrent 7',
        'next NXDOMAIN',
        'next_on_nodata',
        'failover SERVFAIL refused',
        'failfast_all_unhealthy_upstreams',
        '}',
      ],
      [
        {
          from: 'example.org',
          to: [
            ...['192.0.2.1', '192.0.2.2:5353', 'tls://[2001:db8::1]:8853', 'etc/resolv.conf'],
            'dns.example.org:5353',
          ],
          dohMethod: 'GET',
          resolvers: ['192.0.2.9', '192.0.2.10:5353'],
          resolveIntervalMs: 10_000,
          except: ['a.example.org', 'b.example.org'],
          forceTcp: true,
          preferUdp: true,
          expireMs: 20_000,
          maxAgeMs: 60_000,
          maxIdleConnections: 4,
          tls: {
            certFile: '/tls/cert.pem',
            keyFile: '/tls/key.pem',
            caFile: '/tls/ca.pem',
            serverName: 'dns.example.org',
          },
          maxFails: 3,
          policy: 'sequential',
          healthCheck: { intervalMs: 2000, recursionDesired: false, domain: 'example.org' },
          maxConcurrent: 7,
          next: [3],
          nextOnNoData: true,
          failover: [2, 5],
          failfastAllUnhealthy: true,
          maxConnectAttempts: 6,
        },
      ],
    ],
    [
      'cache',
      [
        'cache 60 example.org {',
        'success 5000 300 10',
        'denial 100 30',
        'prefetch 10 1m 20%',
        'serve_stale 2h verify',
        'servfail 0',
        'keepttl',
        '}',
      ],
      {
        zones: ['example.org'],
        success: { capacity: 5000, maxTtlSeconds: 300, minTtlSeconds: 10 },
        denial: { capacity: 1024, maxTtlSeconds: 30, minTtlSeconds: 5 },
        prefetch: { amount: 10, durationMs: 60_000, percentage: 20 },
        serveStale: { durationMs: 7_200_000, refresh: 'verify' },
        servfailMs: 0,
        disabled: { success: [], denial: [] },
        keepTtl: true,
      },
    ],
    [
      'log',
      ['log example.org "{name} {rcode}" {', 'class denial error', 'minDuration 1s', '}'],
      [{ zones: ['example.org'], format: '{name} {rcode}', classes: ['denial', 'error'], minDurationMs: 1000 }],
    ],
    [
      'hosts',
      [
        'hosts /etc/more example.org {',
        '10.0.0.1 a b',
        '::1 c',
        'ttl 60',
        'no_reverse',
        'reload 0',
        'fallthrough',
        '}',
      ],
      {
        path: '/etc/more',
        zones: ['example.org'],
        inline: ['10.0.0.1 a b', '::1 c'],
        ttlSeconds: 60,
        reverse: false,
        reloadMs: 0,
        fallthrough: ['.'],
      },
    ],
    [
      'autopath',
      ['autopath cluster.local @kubernetes', 'kubernetes cluster.local'],
      { zones: ['cluster.local'], source: { kind: 'kubernetes' } },
    ],
    ['autopath', ['autopath /etc/resolv.conf'], { zones: ['.'], source: { kind: 'file', path: '/etc/resolv.conf' } }],
    [
      'acl',
      ['acl {', 'allow net 10.0.0.0/8 192.0.2.1', 'block type A AAAA net *', 'filter', '}'],
      [
        {
          zones: ['.'],
          rules: [
            { action: 'allow', types: undefined, sources: ['10.0.0.0/8', '192.0.2.1/32'] },
            { action: 'block', types: [1, 28], sources: undefined },
            { action: 'filter', types: undefined, sources: undefined },
          ],
        },
      ],
    ],
    [
      'transfer',
      ['transfer {', 'to 192.0.2.1 [2001:db8::1]:53', 'to 10.0.0.0/8', '}', 'transfer example.org {', 'to *', '}'],
      [
        { zones: ['.'], to: ['192.0.2.1', '[2001:db8::1]:53', '10.0.0.0/8'] },
        { zones: ['example.org'], to: ['*'] },
      ],
    ],
    ['chaos', ['chaos V-1 me you'], { version: 'V-1', authors: ['me', 'you'] }],
    [
      'template',
      [
        'template IN AAAA a.example b.example {',
        'match ^x y',
        'rcode 5',
        'fallthrough a.example',
        '}',
        'template ANY ANY',
      ],
      [
        { zones: ['a.example', 'b.example'], type: 28, patterns: ['^x', 'y'], rcode: 5, fallthrough: ['a.example'] },
        { zones: ['.'], type: undefined, patterns: [], rcode: 0, fallthrough: undefined },
      ],
    ],
    ['bind', ['bind 127.0.0.1 ::1'], ['127.0.0.1', '::1']],
    ['bufsize', ['bufsize 1400'], { bytes: 1400 }],
    ['reload', ['reload 10s'], { intervalMs: 10_000, jitterMs: 5000 }],
    ['health', ['health localhost:8091'], { at: { host: 'localhost', port: 8091 }, lameDuckMs: 0 }],
    ['prometheus', ['prometheus'], { at: { host: 'localhost', port: 9153 } }],
    ['ready', ['ready [::1]:81'], { at: { host: '::1', port: 81 } }],
    ['loadbalance', ['loadbalance round_robin'], true],
  ];
  for (const [name, lines, wanted] of table) assert.deepEqual(directives(...lines)[name], wanted, lines.join(' '));
});

test('expressions of errors are read, with what becomes of those that fit', () => {
  const { errors } = directives(
    'errors {',
    'stacktrace',
    'consolidate 5m ".* timeout$" warning',
    'consolidate 30s ^Fail',
    '}',
  );
  assert.equal(errors?.stacktrace, true);
  assert.deepEqual(
    errors.consolidate.map(({ pattern, ...rest }) => ({ ...rest, pattern: pattern.source })),
    [
      { durationMs: 300_000, pattern: '.* timeout$', level: 'warn', showFirst: false },
      { durationMs: 30_000, pattern: '^Fail', level: 'error', showFirst: false },
    ],
  );
});

test('rewrites are read in all their spellings', () => {
  const table: [string[], unknown][] = [
    [
      ['rewrite name a.example b.example'],
      {
        last: true,
        field: 'name',
        match: 'exact',
        from: 'a.example',
        to: 'b.example',
        answer: { auto: true, rules: [] },
      },
    ],
    [
      ['rewrite continue name substring a b'],
      { last: false, field: 'name', match: 'substring', from: 'a', to: 'b', answer: { auto: false, rules: [] } },
    ],
    [
      ['rewrite name regex (.*)\\.a {1}.b answer name (.*)\\.b {1}.a'],
      {
        last: true,
        field: 'name',
        match: 'regex',
        from: '(.*)\\.a',
        to: '{1}.b',
        answer: { auto: false, rules: [{ of: 'name', from: '(.*)\\.b', to: '{1}.a' }] },
      },
    ],
    [
      ['rewrite stop {', 'name suffix .a .b answer auto', 'answer value x y', '}'],
      {
        last: true,
        field: 'name',
        match: 'suffix',
        from: '.a',
        to: '.b',
        answer: { auto: true, rules: [{ of: 'value', from: 'x', to: 'y' }] },
      },
    ],
    [
      ['rewrite ttl regex (.*) 30-300'],
      { last: true, field: 'ttl', match: 'regex', name: '(.*)', leastSeconds: 30, mostSeconds: 300 },
    ],
    [['rewrite type ANY HINFO'], { last: true, field: 'type', from: 255, to: 13 }],
    [['rewrite class CH IN'], { last: true, field: 'class', from: 3, to: 1 }],
    [
      ['rewrite continue {', 'rcode suffix .a NXDOMAIN noerror', '}'],
      { last: false, field: 'rcode', match: 'suffix', name: '.a', from: 3, to: 0 },
    ],
    [['rewrite cname regex a(.*) b{1}'], { last: true, field: 'cname', match: 'regex', from: 'a(.*)', to: 'b{1}' }],
    [
      ['rewrite name suffix .a .b answer auto'],
      {
        last: true,
        field: 'name',
        match: 'suffix',
        from: '.a',
        to: '.b',
        answer: { auto: true, rules: [] },
      },
    ],
  ];
  for (const [lines, wanted] of table) assert.deepEqual(directives(...lines).rewrite, [wanted], lines.join(' '));
});

test('a mistake is told with file, line, word and the nearest thing that is known', () => {
  const inBlock = (...lines: string[]) => `.:53 {\n${lines.join('\n')}\n}\n`;
  const table: [string, string][] = [
    [
      inBlock('kubernetes cluster.local {', 'fallthough', '}'),
      "line 3: unknown property 'fallthough' of kubernetes (did you mean fallthrough?)",
    ],
    [inBlock('kubernets cluster.local'), "line 2: unknown directive 'kubernets' (did you mean kubernetes?)"],
    [inBlock('frobnicate'), "line 2: unknown directive 'frobnicate'"],
    [
      inBlock('template IN A {', 'answer "{{ .Name }} 60 IN A 10.0.0.1"', '}'),
      'line 3: answer of template is not supported: records made by patterns are not, only rcode, match and fallthrough; use hosts for addresses or rewrite for names',
    ],
    [inBlock('template CH TXT'), 'line 2: "CH" of template is not a class that is served: IN or ANY'],
    [
      inBlock('template ANY ANY {', 'match (?=a)', '}'),
      'line 3: "(?=a)" is no regular expression as CoreDNS has them (RE2): error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
    ],
    [
      inBlock('errors', 'kubernetai cluster.local'),
      "line 3: the plugin 'kubernetai' is not supported: give each cluster a server block of its own with kubernetes",
    ],
    [inBlock('root'), 'line 2: root needs a directory'],
    [
      inBlock('dns64 {', 'prefix 64:ff9b::/95', '}'),
      'line 3: "64:ff9b::/95" is not an IPv6 prefix of 32, 40, 48, 56, 64, 96 bits, such as 64:ff9b::/96',
    ],
    [inBlock('cache 30', 'cache 40'), 'line 3: cache stands twice in one server block'],
    [
      inBlock('kubernetes in-addr.arpa'),
      'line 2: kubernetes needs a zone that is no reverse zone, such as cluster.local',
    ],
    [
      inBlock('kubernetes c.local {', 'pods insecur', '}'),
      'line 3: "insecur" of pods of kubernetes is not one of disabled, insecure, verified (did you mean insecure?)',
    ],
    [
      inBlock('kubernetes c.local {', 'ttl 3601', '}'),
      'line 3: "3601" of ttl of kubernetes is not a whole number from 0 to 3600',
    ],
    [
      inBlock('kubernetes c.local {', 'multicluster clusterset.local', '}'),
      'line 3: multicluster of kubernetes is not supported',
    ],
    [
      inBlock('kubernetes c.local {', 'namespaces a', 'namespace_labels b', '}'),
      'line 2: namespaces and namespace_labels of kubernetes exclude each other',
    ],
    [inBlock('forward .'), 'line 2: forward needs a resolver to forward to'],
    [inBlock('forward . re~solver'), 'line 2: "re~solver" is neither an address, nor a name, nor the path of a file'],
    [
      inBlock('forward . 192.0.2.256'),
      'line 2: "192.0.2.256" is neither an address, nor a name, nor the path of a file',
    ],
    [
      inBlock('forward . dns.example {', 'resolver resolver.example', '}'),
      'line 3: "resolver.example" is not an address of who is asked for the names of resolvers',
    ],
    [
      inBlock('forward . dns.example {', 'resolve_interval 0s', '}'),
      'line 3: "0s" of resolve_interval of forward is not a duration such as 5s or 1m30s',
    ],
    [
      inBlock('forward . quic://9.9.9.9'),
      'line 2: quic://9.9.9.9: resolvers are asked over plain DNS, TLS and HTTPS only',
    ],
    [
      inBlock('forward . tls://9.9.9.9%a.example {', 'tls_servername b.example', '}'),
      'line 2: tls://9.9.9.9%a.example has a server name besides tls_servername',
    ],
    [inBlock('forward . 9.9.9.9 {', 'tls a b c d', '}'), 'line 3: tls of forward takes at most CERT, KEY and CA'],
    [
      inBlock('forward . 9.9.9.9 {', 'max_age 5s', '}'),
      'line 2: max_age of forward (5000 ms) is less than expire (10000 ms)',
    ],
    [
      inBlock('forward . 9.9.9.9 {', 'failover NOERROR', '}'),
      'line 3: NOERROR cannot be a code of failover: it is no failure',
    ],
    [
      inBlock('forward . 9.9.9.9 {', 'policy weighted', '}'),
      'line 3: "weighted" of policy of forward is not one of random, round_robin, sequential',
    ],
    [
      inBlock('loadbalance weighted w.conf'),
      'line 2: policy weighted of loadbalance is not supported, only round_robin is',
    ],
    [
      inBlock('errors {', 'consolidate 5m [ warning', '}'),
      'line 3: "[" is no regular expression as CoreDNS has them (RE2): error parsing regexp: missing closing ]: `[`',
    ],
    [inBlock('log . "{nam}"'), 'line 2: log does not know {nam}'],
    [inBlock('health 8080'), 'line 2: "8080" of health is not an address such as :8080'],
    [inBlock('reload 1s'), 'line 2: "1s" of reload is not a duration such as 5s or 1m30s'],
    [
      inBlock('rewrite edns0 local set 0xffee abcd'),
      'line 2: rewrite of edns0 is not supported: options of a question end here and go to no other resolver; leave it out',
    ],
    [inBlock('rewrite frob a b'), 'line 2: "frob" cannot be rewritten, only name, type, class, ttl, rcode, cname'],
    [inBlock('rewrite name a'), 'line 2: rewrite needs what to put in its place'],
    [inBlock('rewrite name a b c'), 'line 2: "c" is one argument too many for rewrite'],
    [
      inBlock('rewrite name regex (a)\\1 b'),
      'line 2: "(a)\\\\1" is no regular expression as CoreDNS has them (RE2): error parsing regexp: invalid escape sequence: `\\1`',
    ],
    [inBlock('rewrite name regex (a) {2}'), 'line 2: {2} has {2}, but (a) has 1 groups'],
    [
      inBlock('rewrite stop {', 'name regex (a) {1}', 'answer auto name a b', '}'),
      'line 3: answer auto and answer name exclude each other',
    ],
    [inBlock('rewrite stop {', 'name a b', 'ttl 7', '}'), 'line 4: only answer may follow name, not ttl'],
    [inBlock('rewrite {', 'ttl a 5', 'ttl b 6', '}'), 'line 4: "ttl" after ttl: one rewrite is one rule'],
    [inBlock('rewrite ttl a 300-30'), 'line 2: "300-30" is not a number of seconds or a range such as 30-300'],
    [inBlock('rewrite rcode a NXDOMAIN BAD'), 'line 2: "BAD" is not a response code'],
    [inBlock('rewrite class A IN'), 'line 2: "A" is not a class: IN, CH or HS'],
    [inBlock('rewrite type A B'), 'line 2: "B" is not a record type'],
    [
      inBlock('errors', 'autopath @kubernetes'),
      'line 3: autopath @kubernetes needs the directive kubernetes in the same server block',
    ],
    [inBlock('transfer'), 'line 2: transfer needs a line such as: to 192.0.2.53'],
    [
      inBlock('transfer {', 'to 10.0.0.0/8 web', '}'),
      'line 3: "web" of to of transfer is not an address, a range or *',
    ],
    [inBlock('loop now'), 'line 2: "now" is one argument too many for loop'],
    [inBlock('import'), 'line 2: import needs the name of a snippet or a file'],
    [inBlock('import nowhere'), 'line 2: import finds neither a snippet nor a file /etc/coredns/nowhere'],
    [inBlock('errors {'), "line 1: no '}' closes this '{'"],
    ['.:53 { errors }\n', 'line 1: "errors" after \'{\': what a block holds begins on the next line'],
    ['tls://. {\n}\n', 'line 1: tls://.: only plain DNS is served here'],
    ['.:70000 {\n}\n', 'line 1: 70000 is not a port'],
    ['a..b {\n}\n', 'line 1: "a..b" is not a zone such as example.org or 10.0.0.0/24'],
    ['10.0.0.0/33 {\n}\n', 'line 1: "10.0.0.0/33" is not an address range'],
    ['. {\n}\n. {\n}\n', 'line 3: . on port 53 has a server block already, at line 1'],
    ['# nothing\n', 'line 1: no server block, such as .:53 { … }'],
  ];
  for (const [text, state] of table) assert.equal(refusal(text), `Read Corefile: ${state}`);
});

test('a mistake in an imported file names that file', () => {
  const others = { '/etc/coredns/custom/a.override': 'errors\ncach 30\n' };
  assert.equal(
    refusal('. {\n import custom/*.override\n}\n', others),
    "Read /etc/coredns/custom/a.override: line 2: unknown directive 'cach' (did you mean cache?)",
  );
  assert.equal(
    refusal('import a\n', { '/etc/coredns/a': 'import a\n' }),
    'Read /etc/coredns/a: line 1: a is imported within itself',
  );
});

test('what does nothing here is said, and no mistake', () => {
  const { notices } = read('. {\n debug\n pprof\n kubernetes c.local {\n  resyncperiod 5m\n  upstream\n }\n}\n');
  assert.deepEqual(
    notices.map((notice) => notice.split(':')[0]),
    ['line 2', 'line 3', 'line 5', 'line 6'],
  );
});

test('every plugin of CoreDNS’s own list is known: supported, without effect, or refused with what to do instead', () => {
  const list =
    'root metadata geoip cancel tls proxyproto quic grpc_server https https3 timeouts multisocket reload nsid bufsize bind ' +
    'debug trace ready health pprof prometheus errors log dnstap local dns64 any chaos loadbalance tsig cache rewrite acl ' +
    'header dnssec autopath minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto ' +
    'secondary etcd loop forward grpc erratic whoami on sign view nomad import';
  for (const name of list.split(' ')) {
    const state = refusal(`. {\n  ${name}\n}\n`).replace(/^Read Corefile: /, '');
    assert.doesNotMatch(state, /unknown directive/, name);
    if (state.startsWith('line 2: the plugin'))
      assert.match(state, /^line 2: the plugin '\w+' is not supported: .{10}/, name);
  }
});

test('paths of hosts begin where root says', () => {
  assert.equal(directives('hosts example.hosts', 'root /etc/zones').hosts?.path, '/etc/zones/example.hosts');
  assert.equal(directives('root /etc/zones', 'hosts /etc/hosts2').hosts?.path, '/etc/hosts2');
});
