# What a person or CI calls. Each target sets up what it needs; cargo's build scripts build the plugins.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.PHONY: build demo test bench torture lint toolchain servers guests counter clean

CARGO ?= cargo

## build: the agent with its bundled plugins, in target/release/millstream
build: toolchain
	# The whole workspace, so that its features, and with them the built dependencies, are those of `make test`.
	$(CARGO) build --release --locked --workspace

## demo: the main job at work, nothing else installed
demo: build
	target/release/millstream demo --duration 20s

## test: every suite; the real Loki and Prometheus are fetched and built first
test: lint servers guests counter build
	$(CARGO) test --release --locked --workspace

## lint: formatting, clippy with the workspace's table, licences and advisories
lint: toolchain
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	bash .ci/deny.sh

## bench: the figures of tests/bench/RESULTS.md; SECTION= one of logs, quiet, cores, hops, crossing, platform, redact, exposition, languages, kernels, curves, soak (an hour)
bench: guests build
	target/release/bench $(SECTION)

## torture: kills, rotations, bad answers, dead sinks, many files, failing storage, at length; SCENARIO picks one
torture: servers build
	target/release/torture $(SCENARIO)

## servers: the real Loki and Prometheus for the suite `real_servers`
servers:
	bash tests/real/provide.sh

## guests: tool chains of the other languages plugins are written in, in target/tools
guests:
	bash .ci/guests.sh

## counter: valgrind, which counts instructions for the suite `instructions`
counter:
	bash .ci/valgrind.sh

## toolchain: a Rust tool chain that can build plugins for wasm32
toolchain:
	bash .ci/toolchain.sh

clean:
	$(CARGO) clean
