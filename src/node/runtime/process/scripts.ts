import type { Mount, SandboxConfig } from '../port.ts';
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
 * Runs under `unshare`: $1 directory, $2 host name, $3 `yes` for a network of the Pod's own, then names of files in
 * $1/sandbox.etc to mount over their like in /etc. The process that stays is PID 1 of the Pod; it ignores SIGCHLD, which
 * makes the kernel reap every orphan (wait(2), NOTES). `env` undoes that a background job of sh ignores SIGINT and
 * SIGQUIT.
 *
 * A sysfs shows the links of the network namespace that it was mounted in (sysfs(5)); the machine's cgroups move over to
 * the new one. Where the kernel refuses that, the Pod keeps the machine's view. A file that /etc of the machine lacks
 * cannot be mounted over: a read-only overlay brings it in.
 */
const sandboxScript = (tools: Tools): string => `
set -eu
(
  ${tools.mkfifo} "$1/sandbox.alive"
  exec 4<>"$1/sandbox.alive"
  read -r _signalbox <"/proc/self/fd/3/self/stat"
  printf '%s\\n' "$_signalbox" >"$1/sandbox.pause"
  printf '%s\\n' "$2" >/proc/sys/kernel/hostname
  ${tools.mount} -t proc proc /proc
  if [ "$3" = yes ] && ${tools.mount} --rbind /sys/fs/cgroup "$1/sandbox.etc" 2>/dev/null; then
    ${tools.mount} -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys 2>/dev/null || :
    ${tools.mount} --move "$1/sandbox.etc" /sys/fs/cgroup
  fi
  _signalbox=$1/sandbox.etc
  shift 3
  for name in "$@"; do
    [ -e "/etc/$name" ] || ${tools.mount} -t overlay -o "ro,lowerdir=$_signalbox:/etc" overlay /etc || break
  done
  for name in "$@"; do [ ! -e "/etc/$name" ] || ${tools.mount} --bind "$_signalbox/$name" "/etc/$name"; done
  echo ready
  exec ${tools.env} --ignore-signal=CHLD --default-signal=INT,QUIT ${tools.sleep} infinity >/dev/null 2>&1 3>&-
) </dev/null &
`;

/** @param etc names of the files in DIRECTORY/sandbox.etc */
export function sandboxCommand(
  tools: Tools,
  directory: string,
  { hostname, hostNetwork }: Pick<SandboxConfig, 'hostname' | 'hostNetwork'>,
  etc: readonly string[],
): string[] {
  const namespaces = ['--uts', '--ipc', '--mount', '--pid', ...(hostNetwork ? [] : ['--net'])];
  const words = [directory, hostname, hostNetwork ? 'no' : 'yes', ...etc];
  const script = ['-c', sandboxScript(tools), 'sh', ...words];
  return [tools.unshare, ...namespaces, '--propagation', 'private', tools.sh, ...script];
}

/**
 * Runs under `nsenter … unshare --pid --mount`: $1 directory, $2 log, $3 working directory, then the program. What
 * stands in $1/mounts (mountScript) is run in the container's own mount namespace. The
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
  [ ! -e "$1/mounts" ] || . "$1/mounts"
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

/** The commands that bring the container's volumes in, for its `mounts` file. */
export const mountScript = (tools: Tools, mounts: readonly Mount[]): string =>
  mounts
    .flatMap(({ source, target, readOnly }) => [
      `${tools.mount} --bind ${quoted(source)} ${quoted(target)}`,
      ...(readOnly ? [`${tools.mount} -o remount,bind,ro ${quoted(target)}`] : []),
    ])
    .map((line) => `${line}\n`)
    .join('');

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
