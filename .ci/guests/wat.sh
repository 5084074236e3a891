#!/usr/bin/env bash
# Sees that WebAssembly text can be assembled: wat2wasm from PATH (wabt), or that of wasmtime from PyPI in target/tools/python.
# `wat2wasm` then lies in target/tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=50.0.1
say() { printf 'guests/wat: %s\n' "$*" >&2; }
serves() {
    local there
    there=$(mktemp -d)
    printf '(module)' >"$there/in.wat"
    "$1" "$there/in.wat" -o "$there/out.wasm" >/dev/null 2>&1 && [ -s "$there/out.wasm" ]
    local answer=$?
    rm -r "$there"
    return "$answer"
}

tools=$PWD/target/tools
mkdir -p "$tools/bin"
if [ -e "$tools/bin/wat2wasm" ] && serves "$tools/bin/wat2wasm"; then
    exit 0
fi
if found=$(command -v wat2wasm) && serves "$found"; then
    ln -sfn "$found" "$tools/bin/wat2wasm"
    say "takes $found"
    exit 0
fi
command -v python3 >/dev/null || { say "wat2wasm is missing, and so is python3 to get one. Install wabt"; exit 1; }
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python"
if ! "$tools/python/bin/python" -c 'import wasmtime' 2>/dev/null; then
    say "installs wasmtime $wanted from PyPI"
    "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check "wasmtime==$wanted"
fi
rm -f "$tools/bin/wat2wasm"
cat >"$tools/bin/wat2wasm" <<SCRIPT
#!$tools/python/bin/python
"""wat2wasm IN -o OUT, by wasmtime's assembler."""
import sys
import wasmtime

source, option, output = sys.argv[1:]
assert option == "-o", "usage: wat2wasm IN -o OUT"
with open(source, encoding="utf-8") as file:
    module = wasmtime.wat2wasm(file.read())
with open(output, "wb") as file:
    file.write(module)
SCRIPT
chmod +x "$tools/bin/wat2wasm"
serves "$tools/bin/wat2wasm" || { say "wasmtime $wanted does not run here. Install wabt"; exit 1; }
