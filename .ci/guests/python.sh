#!/usr/bin/env bash
# Sees that stages in Python can be built: Python ≥ 3.10 on PATH, and componentize-py from PyPI in the venv
# target/tools/python. `componentize-py` then lies in target/tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=0.25.1
tools=$PWD/target/tools
say() { printf 'guests/python: %s\n' "$*" >&2; }
serves() { [ "$("$1" --version 2>/dev/null)" = "componentize-py $wanted" ]; }

command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { say "Python 3.10 or newer is missing. Install it: https://www.python.org or apt-get install python3 python3-venv"; exit 1; }
mkdir -p "$tools/bin"
if [ -e "$tools/bin/componentize-py" ] && serves "$tools/bin/componentize-py"; then
    exit 0
fi
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python" ||
    { say "python3 cannot make a venv. Install it: apt-get install python3-venv"; exit 1; }
if ! serves "$tools/python/bin/componentize-py"; then
    say "installs componentize-py $wanted from PyPI to target/tools/python"
    "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check "componentize-py==$wanted"
fi
ln -sfn "$tools/python/bin/componentize-py" "$tools/bin/componentize-py"
serves "$tools/bin/componentize-py" || { say "componentize-py $wanted does not run here (its wheels: Linux, macOS, Windows on x86-64 and arm64)"; exit 1; }
