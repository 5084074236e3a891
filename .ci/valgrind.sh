#!/usr/bin/env bash
# Sees that instructions can be counted (the suite `instructions`): takes valgrind from PATH or installs Debian's.
# Without it the suite says that it was skipped, and fails where CI is set.
set -uo pipefail

command -v valgrind >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    printf 'valgrind: installing Debian'\''s\n' >&2
    apt-get install -y -q valgrind >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q valgrind >/dev/null; }
fi
command -v valgrind >/dev/null || printf '\n!!!! valgrind is missing: no instructions are counted\n!!!! apt-get install valgrind\n\n' >&2
exit 0
