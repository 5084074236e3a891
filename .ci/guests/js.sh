#!/usr/bin/env bash
# Sees that stages in JavaScript can be built: Node ≥ 20 on PATH, and componentize-js, rolldown and TypeScript from npm
# in target/tools/node, at the versions of js/package-lock.json. `jco` and `tsc` then lie in target/tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

lock=.ci/guests/js
tools=$PWD/target/tools
say() { printf 'guests/js: %s\n' "$*" >&2; }

command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] ||
    { say "Node 20 or newer is missing. Install it: https://nodejs.org"; exit 1; }
mkdir -p "$tools/bin" "$tools/node"
if ! cmp -s "$lock/package-lock.json" "$tools/node/installed.json"; then
    command -v npm >/dev/null || { say "npm is missing. Install it with Node: https://nodejs.org"; exit 1; }
    say "installs componentize-js, rolldown and TypeScript from npm to target/tools/node; half a minute, once"
    cp "$lock/package.json" "$lock/package-lock.json" "$tools/node/"
    # No install scripts: nothing here needs one, and a package should not run code because it was installed.
    # `npm install`, which keeps to the lock, and not `npm ci`, which refuses a lock without the optional packages of
    # machines that the registry it was written from does not serve.
    npm install --prefix "$tools/node" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
    cp "$lock/package-lock.json" "$tools/node/installed.json"
fi
for name in jco tsc; do
    ln -sfn "$tools/node/node_modules/.bin/$name" "$tools/bin/$name"
done
