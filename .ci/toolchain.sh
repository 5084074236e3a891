#!/usr/bin/env bash
# Sees that plugins can be built: by rustup's wasm32 target, or by Debian's rustc-web from source (design §7).
# Says what it takes, and what to install when it can do neither.
set -euo pipefail

say() { printf 'toolchain: %s\n' "$*" >&2; }

command -v cargo >/dev/null || { say "cargo is missing. Install Rust 1.95 or newer: https://rustup.rs"; exit 1; }

sysroot=$(rustc --print sysroot)
if [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ]; then
    exit 0
fi
if command -v rustup >/dev/null && timeout 60 rustup target add wasm32-unknown-unknown >/dev/null 2>&1; then
    say "added rustup's target wasm32-unknown-unknown"
    exit 0
fi
debian_ready() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib" ] &&
        dpkg -s rustc-web cargo-web rust-web-src >/dev/null 2>&1
}
debian_ready && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "rustup's target cannot be had; installing Debian's rustc-web, cargo-web and rust-web-src"
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q rustc-web cargo-web rust-web-src >/dev/null
    exit 0
fi
say "plugins cannot be built here. Do one of:"
say "  rustup target add wasm32-unknown-unknown"
say "  sudo apt-get install rustc-web cargo-web rust-web-src    (Debian 12 or newer)"
exit 1
