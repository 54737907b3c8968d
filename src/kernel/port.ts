/** The one door to the kernel: what needs a system call that Node.js does not offer. Real, fake and faulty pass one suite. */
export interface Kernel {
  /**
   * A netlink socket of one protocol in the caller's network namespace, or in the one that `netns` (a path such as
   * /run/netns/NAME or /proc/PID/ns/net) names. It stays in that namespace. Buffers are raised by SO_*BUFFORCE.
   */
  openNetlink(protocol: NetlinkProtocol, options?: { readonly netns?: string }): NetlinkSocket;

  /**
   * Calls back, in a later turn of the event loop, when the kernel has told a multicast group something. What it told is
   * thrown away, and several messages may be one call: the answer to it is to look. Must be called on the main thread.
   * Absent: this kernel does not tell.
   */
  watchNetlink?(
    protocol: NetlinkProtocol,
    group: number,
    onNotification: () => void,
    options?: { readonly netns?: string; readonly only?: NotificationFilter },
  ): NetlinkWatch;
}

/** Everything else the kernel passes over by itself: it wakes nobody and takes no room. */
export interface NotificationFilter {
  readonly messageType: number;
  /** Who asked for what is told, by `NetlinkSocket.portId`: our own changes are no news. */
  readonly notFromPorts: readonly number[];
}

export interface NetlinkWatch {
  close(): void;
}

export type NetlinkProtocol = 'route' | 'netfilter';

/**
 * Netlink is synchronous here on purpose: the kernel works through a request inside sendmsg(2), so the answer is there
 * when it returns, and one change costs one call without a turn of the event loop.
 */
export interface NetlinkSocket {
  /** The kernel's name for this socket; notifications of what it has changed bear it. */
  readonly portId: number;
  /**
   * Sends the bytes, which hold one or more whole messages (a batch), and returns the datagrams that answer them: all
   * of them up to the ACK or error of the last message that asked for one (NLM_F_ACK), or up to NLMSG_DONE of a dump.
   * Retries EINTR. Throws KernelError for a failed send or receive (ENOBUFS on receive included); an NLMSG_ERROR in
   * the answer is the caller's to read, with `decodeAnswer` of wire/netlink.
   */
  exchange(request: Uint8Array): Buffer[];
  close(): void;
}
