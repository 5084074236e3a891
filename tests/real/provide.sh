#!/usr/bin/env bash
# Puts real servers where the tests look for them: target/real/{loki,prometheus}.
# Run it as often as you like: what is there and current is left alone.
# What cannot be had is named on stderr; the exit code stays 0 and the binary is
# absent, so the tests that need it report themselves as skipped.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$here/../.." && pwd)/target/real
export CGO_ENABLED=0
# -dwarf=false: the compiler writes no debug data, which the linker would drop anyway.
flags=(-p 2 -trimpath -tags netgo -gcflags=all=-dwarf=false)

say() { printf 'real: %s\n' "$*" >&2; }

missing() { # server, what to do about it
  printf '\n!!!! real: NO %s: tests against it are SKIPPED\n!!!! %s\n\n' "$1" "$2" >&2
}

log_tail() { tail -n 15 "$out/$1.log" | sed 's/^/    /' >&2; }

loki_recipe() { # changes whenever another Loki would come out
  { cat "$here/loki/go.mod" "$here/loki/go.sum"; echo "${flags[*]}"; } | sha256sum
}

provide_loki() {
  local version start
  if [ -x "$out/loki" ] && [ "$(cat "$out/loki.stamp" 2>/dev/null)" = "$(loki_recipe)" ]; then
    say "loki: current"
    return
  fi
  rm -f "$out/loki" "$out/loki.stamp"
  if ! command -v go >/dev/null; then
    missing Loki "install Go ($(grep '^go ' "$here/loki/go.mod") or newer) and run $0 again"
    return
  fi
  version=$(awk '$2 == "github.com/grafana/loki/v3" { print $3 }' "$here/loki/go.mod")
  start=$SECONDS
  say "loki: building $version; 5 to 11 minutes on two cores the first time (log: $out/loki.log)"
  # A cache of its own, dropped afterwards: 1.6 GB that nothing else would use.
  # An interrupted build goes on where it was.
  if (cd "$here/loki" && GOCACHE=$out/go-build nice -n 10 go build "${flags[@]}" \
      -ldflags "-s -w -X github.com/grafana/loki/v3/pkg/util/build.Version=${version#v}" \
      -o "$out/loki.new" github.com/grafana/loki/v3/cmd/loki) >"$out/loki.log" 2>&1 &&
    "$out/loki.new" -version >>"$out/loki.log" 2>&1; then
    mv "$out/loki.new" "$out/loki"
    loki_recipe >"$out/loki.stamp"
    rm -rf "$out/go-build"
    say "loki: built $version in $((SECONDS - start)) s"
  else
    rm -f "$out/loki.new"
    log_tail loki
    missing Loki "go build failed, see above; it needs a Go module proxy (GOPROXY=$(go env GOPROXY)) and 4 GB of disk"
  fi
}

takes_remote_write() { # a Prometheus binary
  "$1" --help 2>&1 | grep -q -e --web.enable-remote-write-receiver
}

# Unpacked, not installed: no service is set up, and it works without root.
unpack_prometheus() {
  local dir=$out/deb
  rm -rf "$dir" && mkdir -p "$dir" && cd "$dir" || return 1
  apt-get download prometheus || {
    [ "$(id -u)" = 0 ] && apt-get update && apt-get download prometheus
  } || return 1
  dpkg-deb -x prometheus_*.deb . && mv usr/bin/prometheus "$out/prometheus"
}

provide_prometheus() {
  local installed
  if [ -x "$out/prometheus" ]; then
    say "prometheus: current"
    return
  fi
  rm -f "$out/prometheus" # a link to what was removed since
  installed=$(command -v prometheus) && ln -s "$installed" "$out/prometheus"
  if [ ! -x "$out/prometheus" ]; then
    if ! command -v apt-get >/dev/null; then
      missing Prometheus "no apt-get here: put Prometheus 2.33 or newer on PATH and run $0 again"
      return
    fi
    (unpack_prometheus) >"$out/prometheus.log" 2>&1 || log_tail prometheus
    rm -rf "$out/deb"
  fi
  if [ -x "$out/prometheus" ] && takes_remote_write "$out/prometheus"; then
    say "prometheus: $("$out/prometheus" --version 2>&1 | head -n 1)"
    return
  fi
  rm -f "$out/prometheus"
  missing Prometheus "none usable on PATH or from apt-get (try apt-get update as root): put Prometheus 2.33 or newer on PATH and run $0 again"
}

mkdir -p "$out" || {
  missing "Loki, NO Prometheus" "cannot create $out"
  exit 0
}
# One at a time, when two suites start together.
if command -v flock >/dev/null; then
  exec 9>"$out/lock" && flock 9
fi
provide_prometheus
provide_loki
exit 0
