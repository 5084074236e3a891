#!/usr/bin/env bash
# Sees that Zig can be run, which is also the C compiler of guests: ziglang from PyPI in target/tools/python.
# `zig`, `cc` being one of its commands, then lies in target/tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=0.17.1
say() { printf 'guests/zig: %s\n' "$*" >&2; }
serves() { [ "$("$1" version 2>/dev/null)" = "$wanted" ]; }

tools=$PWD/target/tools
mkdir -p "$tools/bin"
if [ -e "$tools/bin/zig" ] && serves "$tools/bin/zig"; then
    exit 0
fi
if found=$(command -v zig) && serves "$found"; then
    ln -sfn "$found" "$tools/bin/zig"
    say "takes $found"
    exit 0
fi
command -v python3 >/dev/null || { say "Zig $wanted is missing, and so is python3 to get it. Install Zig: https://ziglang.org/download"; exit 1; }
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python"
if ! "$tools/python/bin/python" -m ziglang version 2>/dev/null | grep -qx "$wanted"; then
    say "installs ziglang $wanted from PyPI"
    "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check "ziglang==$wanted"
fi
# Linked, not copied: it finds its library beside the file itself.
ln -sfn "$("$tools/python/bin/python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')/zig" "$tools/bin/zig"
serves "$tools/bin/zig" || { say "ziglang $wanted does not run here. Install Zig $wanted: https://ziglang.org/download"; exit 1; }
