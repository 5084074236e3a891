#!/usr/bin/env bash
# Licences, sources, bans and advisories of every dependency, by deny.toml.
# What cannot be checked here is named loudly. Without cargo-deny the exit code is 0 all the same: the test
# tests/tests/licences.rs enforces licences and sources from the same file, offline, in every run.
set -uo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools=$PWD/target/tools

say() { printf 'deny: %s\n' "$*" >&2; }
loud() { printf '\n!!!! deny: NOT CHECKED: %s\n!!!! %s\n\n' "$1" "$2" >&2; }

deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
    deny=$tools/bin/cargo-deny
    if [ "$("$deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
        # Unoptimised: it runs for seconds, and optimising it takes longer than that many times over.
        say "installing cargo-deny $version to target/tools; 1 to 4 minutes, once (log: target/tools/deny.log)"
        mkdir -p "$tools"
        if ! CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_DEV_DEBUG=0 \
            cargo install cargo-deny --version "$version" --locked --debug --force --root "$tools" \
            >"$tools/deny.log" 2>&1; then
            tail -n 5 "$tools/deny.log" >&2
            loud "bans and advisories" "cargo-deny cannot be installed: cargo install cargo-deny --version $version --locked"
            exit 0
        fi
        rm -rf "$tools/build"
    fi
fi

failed=0
say "$("$deny" --version): bans, licences, sources"
"$deny" --locked --log-level error check --hide-inclusion-graph bans licenses sources || failed=1

# The advisory database is a git repository on github.com, which not every machine reaches.
if timeout 120 "$deny" fetch db >/dev/null 2>&1; then
    say "advisories"
    "$deny" --locked --log-level error check --hide-inclusion-graph advisories || failed=1
else
    loud "advisories" "https://github.com/RustSec/advisory-db cannot be reached from here; run .ci/deny.sh where it can"
fi
exit $failed
