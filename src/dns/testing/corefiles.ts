import { matchesGlob } from 'node:path';
import type { FileSource } from '../corefile/mod.ts';

/** What kubeadm puts into the ConfigMap kube-system/coredns, word for word. */
export const kubeadmCorefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
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
`;

/** Files that a test holds in its hand. */
export function fakeFiles(
  files: Readonly<Record<string, string>>,
  environment: FileSource['environment'] = {},
): FileSource {
  return {
    environment,
    read(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return text;
    },
    glob: (pattern) =>
      Object.keys(files)
        .filter((path) => matchesGlob(path, pattern))
        .sort(),
  };
}
