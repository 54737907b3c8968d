/** A Corefile as somebody ships it, with the files that it imports or names where they are there. */
export interface ShippedCorefile {
  readonly text: string;
  readonly files?: Readonly<Record<string, string>>;
  /** What is said of it, without the text behind the first colon. */
  readonly notices?: readonly string[];
  /** It binds addresses that only its own nodes have. */
  readonly boundElsewhere?: true;
}

const cluster = (...more: string[]) => `
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      ${more.join('\n      ')}
      fallthrough in-addr.arpa ip6.arpa
    }`;

/** Word for word but for white space, and for addresses and names of somebody's own. */
export const shippedCorefiles: Readonly<Record<string, ShippedCorefile>> = {
  'Amazon EKS': {
    text: `
.:53 {
    errors
    health {
        lameduck 5s
      }
    ready
    ${cluster()}
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
`,
  },
  'Azure AKS, nothing customised': {
    text: `
.:53 {
    errors
    ready
    health {
      lameduck 5s
    }
    ${cluster('ttl 30')}
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
    template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
      rcode NXDOMAIN
      fallthrough
    }
    template ANY ANY reddog.microsoft.com {
      rcode NXDOMAIN
    }
}
import custom/*.server
`,
    notices: ['line 20', 'line 30'],
  },
  'Azure AKS, customised': {
    text: `
.:53 {
    errors
    ready
    health {
      lameduck 5s
    }
    ${cluster('ttl 30')}
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
}
import custom/*.server
`,
    files: {
      '/etc/coredns/custom/log.override': 'log\n',
      '/etc/coredns/custom/hosts.override': `hosts {
    10.0.0.1 example1.org
    10.0.0.2 example2.org
    10.0.0.3 example3.org
    fallthrough
}
`,
      '/etc/coredns/custom/rewrite.server': `example.com:53 {
    log
    errors
    rewrite stop {
      name regex (.*)\\.example\\.com {1}.default.svc.cluster.local
      answer name (.*)\\.default\\.svc\\.cluster\\.local {1}.example.com
    }
    forward . 127.0.0.9
}
`,
      '/etc/coredns/custom/puglife.server':
        'puglife.local:53 {\n    errors\n    cache 30\n    forward . 192.0.2.1\n}\n',
    },
  },
  'Azure AKS LocalDNS': {
    text: `
health-check.localdns.local:53 {
    bind 169.254.10.10 169.254.10.11
    whoami
}
.:53 {
    log
    bind 169.254.10.10
    forward . 168.63.129.16 {
        policy sequential
        max_concurrent 1000
    }
    ready 169.254.10.10:8181
    cache 3600 {
        success 9984
        denial 9984
        serve_stale 3600s immediate
        servfail 0
    }
    loop
    nsid localdns
    prometheus :9253
    template ANY ANY reddog.microsoft.com {
        rcode NXDOMAIN
    }
}
cluster.local:53 {
    errors
    bind 169.254.10.10
    forward . 10.0.0.10 {
        force_tcp
        policy sequential
        max_concurrent 1000
    }
    ready 169.254.10.10:8181
    cache 3600 {
        success 9984
        denial 9984
        serve_stale 3600s verify
        servfail 0
    }
    loadbalance
    loop
    nsid localdns
    prometheus :9253
}
`,
    notices: ['line 21', 'line 44'],
    boundElsewhere: true,
  },
  'NodeLocal DNSCache, as GKE and others run it': {
    text: `
cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
            force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
    }
in-addr.arpa:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
            force_tcp
    }
    prometheus :9253
    }
.:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
    }
`,
    boundElsewhere: true,
  },
  k3s: {
    text: `
.:53 {
    errors
    health
    ready
    ${cluster()}
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
    forward . /etc/resolv.conf
}
import /etc/coredns/custom/*.server
`,
    notices: ['line 22', 'line 25'],
  },
  RKE2: {
    text: `
.:53 {
    errors 
    health  {
        lameduck 10s
    }
    ready 
    kubernetes   cluster.local  cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus   0.0.0.0:9153
    forward   . /etc/resolv.conf
    cache   30
    loop 
    reload 
    loadbalance 
}
`,
  },
  'OpenShift, with a resolver for a zone of one’s own': {
    text: `
# lab
lab.example:5353 {
    prometheus 127.0.0.1:9153
    forward . 192.0.2.1 192.0.2.2:5353 {
        policy random
    }
    errors
    log . {
        class error
    }
    bufsize 1232
    cache 900 {
        denial 9984 30
    }
}
.:5353 {
    bufsize 1232
    errors
    log . {
        class error
    }
    health {
        lameduck 20s
    }
    ready
    ${cluster()}
    prometheus 127.0.0.1:9153
    forward . /etc/resolv.conf {
        policy sequential
    }
    cache 900 {
        denial 9984 30
    }
    reload
}
hostname.bind:5353 {
    chaos
}
`,
  },
  minikube: {
    text: `
.:53 {
    log
    errors
    health {
       lameduck 5s
    }
    ready
    ${cluster('ttl 30')}
    prometheus :9153
    hosts {
       192.168.49.1 host.minikube.internal
       fallthrough
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`,
  },
  'kops, with a final dot': {
    text: `
.:53 {
    errors
    health {
      lameduck 5s
    }
    ready
    kubernetes cluster.local. in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
      ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
      max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`,
  },
  Kubespray: {
    text: `
.:53 {
    errors {
    }
    health {
        lameduck 5s
    }
    ready
    ${cluster()}
    prometheus :9153
    forward . /etc/resolv.conf {
      prefer_udp
      max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`,
  },
  'DigitalOcean, with options of long ago': {
    text: `
.:53 {
    errors
    health
    ready
    ${cluster('upstream')}
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
}
import custom/*.server
`,
    notices: ['line 18', 'line 20', 'line 9'],
  },
  'Alibaba Cloud ACK, with autopath': {
    text: `
.:53 {
    errors
    health {
       lameduck 15s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods verified
      ttl 30
      fallthrough in-addr.arpa ip6.arpa
    }
    autopath @kubernetes
    prometheus :9153
    forward . /etc/resolv.conf {
      prefer_udp
      max_concurrent 1000
    }
    cache 30
    loop
    log
    reload
    loadbalance
}
`,
  },
  'Gardener, with its rewriting of search paths': {
    text: `
.:8053 {
  errors
  log . {
      class error
  }
  health {
      lameduck 15s
  }
  ready
  rewrite stop {
    name regex (.*)\\.svc\\.cluster\\.local\\.svc\\.cluster\\.local {1}.svc.cluster.local
    answer name (.*)\\.svc\\.cluster\\.local {1}.svc.cluster.local.svc.cluster.local
    answer value (.*)\\.svc\\.cluster\\.local {1}.svc.cluster.local.svc.cluster.local
  }
  ${cluster('ttl 30')}
  prometheus :9153
  forward . /etc/resolv.conf
  cache 30
  loop
  reload
  loadbalance round_robin
  import custom/*.override
}
import custom/*.server
`,
    notices: ['line 28', 'line 30'],
  },
};
