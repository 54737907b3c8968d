/** How Pods get their place in the network; `process` runtime and agent know no more of it. */
export interface PodNetwork {
  /** The Pod's address from now on, until `detach`; the same one when asked again. */
  reserve(podUid: string): string;
  /** Joins the namespace (a path such as /proc/PID/ns/net) to the network under the reserved address. Idempotent. */
  attach(podUid: string, netns: string): void;
  /** Takes the Pod's link away and frees its address. Idempotent. */
  detach(podUid: string): void;
}
