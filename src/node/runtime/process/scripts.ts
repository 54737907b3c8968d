import type { Tools } from './tools.ts';

/**
 * The few lines of sh that make a sandbox and start a container in it. They run as `sh -c SCRIPT sh ARGUMENTS`, leave
 * nothing behind but the processes meant to stay, and keep to what dash, util-linux and coreutils have.
 *
 * Common to both:
 * - Descriptor 3 is the agent's own /proc: `/proc/self/fd/3/self/stat` tells a process its number as the agent counts,
 *   though it runs in a PID namespace. It is written to a file before anything else can fail, so that whoever comes
 *   after a dead agent finds the process. The start time in that line keeps across exec(2).
 * - Descriptor 4 keeps the FIFO `alive` open: whoever reads it gets end-of-file the moment the process is gone,
 *   however it ended, and can come to listen at any time.
 * - Their own shell starts one background job and no other process: the first child after unshare(2) is PID 1.
 * - Only one variable is used, since the container's own variables pass through the shell.
 */

/**
 * Runs under `unshare`: $1 directory, $2 host name, then names of files to mount over their like in /etc. The process
 * that stays is PID 1 of the Pod; it ignores SIGCHLD, which makes the kernel reap every orphan (wait(2), NOTES).
 * `env` undoes that a background job of sh ignores SIGINT and SIGQUIT.
 */
export const sandboxScript = (tools: Tools): string => `
set -eu
(
  ${tools.mkfifo} "$1/alive"
  exec 4<>"$1/alive"
  read -r _signalbox <"/proc/self/fd/3/self/stat"
  printf '%s\\n' "$_signalbox" >"$1/pause"
  printf '%s\\n' "$2" >/proc/sys/kernel/hostname
  ${tools.mount} -t proc proc /proc
  _signalbox=$1
  shift 2
  for name in "$@"; do ${tools.mount} --bind "$_signalbox/$name" "/etc/$name"; done
  echo ready
  exec ${tools.env} --ignore-signal=CHLD --default-signal=INT,QUIT ${tools.sleep} infinity >/dev/null 2>&1 3>&-
) </dev/null &
`;

/**
 * Runs under `nsenter … unshare --pid --mount`: $1 directory, $2 log, $3 working directory, then the program. The
 * container's init is PID 1 of a PID namespace nested in the Pod's: it waits, reaps, notes the exit code in one
 * write(2), and with its own end the kernel kills whatever the program left running.
 */
export const containerScript = (tools: Tools): string => `
set -eu
(
  ${tools.mkfifo} "$1/alive"
  exec 4<>"$1/alive"
  read -r _signalbox <"/proc/self/fd/3/self/stat"
  printf '%s\\n' "$_signalbox" >"$1/init"
  ${tools.mount} -t proc proc /proc
  _signalbox=0
  (
    read -r _signalbox <"/proc/self/fd/3/self/stat"
    printf '%s\\n' "$_signalbox" >"$1/main"
    unset _signalbox
    echo started
    exec >>"$2" 2>&1
    cd "$3" || exit 126
    unset OLDPWD
    shift 3
    exec "$@" 3>&- 4>&-
  ) || _signalbox=$?
  printf '%s\\n' "$_signalbox" >"$1/exit"
) </dev/null &
`;
