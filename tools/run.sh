#!/bin/sh
# Runs one of the project's TypeScript files on the Node.js release that package.json pins (the `node` package), so
# that the machine's own Node.js only has to be able to run npm. Installs the dependencies when they are not there or
# package-lock.json has changed since.
# usage: tools/run.sh FILE [ARGUMENT ...]
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
stamp="$root/node_modules/.signalbox-installed"
if ! cmp -s "$root/package-lock.json" "$stamp"; then
  echo "Installing dependencies (once)…" >&2
  # Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages, which some registries lack too.
  (cd "$root" && npm install --no-save --no-audit --no-fund --loglevel=error >&2)
  cp "$root/package-lock.json" "$stamp"
fi
file=$1
shift
case $file in /*) ;; *) file="$root/$file" ;; esac
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$root/node_modules/.cache/compile}
export NODE_COMPILE_CACHE
# A small nursery for young objects: what these programs keep is little, and the default lets it grow by 60 MiB.
exec "$root/node_modules/node/bin/node" --disable-warning=ExperimentalWarning --max-semi-space-size=2 "$file" "$@"
