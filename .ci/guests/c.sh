#!/usr/bin/env bash
# Sees that C can be compiled for wasm32 and natively: by `zig cc`, which brings compiler, linker and C library for both.
set -euo pipefail
exec "$(dirname "$0")/zig.sh"
