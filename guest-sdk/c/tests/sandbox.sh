#!/bin/sh
# Runs the C++ stage as a module: what it puts out, what it refuses, and 10,000 calls in memory that does not grow.
set -eu
drive() { node --no-warnings ../wit/tests/drive.mjs "$@"; }

[ "$(printf 'a\nb\n' | drive "$1" '{"suffix": "?"}')" = "$(printf 'a?\nb?')" ]
[ "$(printf 'a\n' | drive "$1" '{"sufix": "?"}')" = 'refused: unknown setting `sufix`: expected one of `suffix`' ]
seq 1000 | drive "$1" '{}' 10000 >/dev/null
