#!/usr/bin/env bash
# Sees that plugins can be built in every language that has an SDK: calls each script of .ci/guests, which takes what is on
# PATH or installs a tool chain into target/tools. Which languages are ready is marked in target/tools/guests, for the suite
# `languages`. A language that cannot be had is named loudly; it is a failure only where CI is set.
set -uo pipefail
cd "$(dirname "$0")/.."

marks=target/tools/guests
mkdir -p "$marks"
missing=()
for script in .ci/guests/*.sh; do
    [ -e "$script" ] || continue
    language=$(basename "$script" .sh)
    rm -f "$marks/$language"
    if bash "$script"; then
        touch "$marks/$language"
    else
        missing+=("$language")
    fi
done
[ ${#missing[@]} = 0 ] && exit 0
printf '\n!!!! guests: no tool chain for: %s. Their plugins are not built or tested.\n\n' "${missing[*]}" >&2
[ -z "${CI:-}" ]
