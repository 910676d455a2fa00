# `make run` and `make test` do all of their set-up. `make help` lists the rest.
export PATH := $(HOME)/.cargo/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help setup run test fuzz fuzz-guided web test-web chaos bench bench-quick bench-programs lint lint-rust lint-docs lint-size lint-deny lint-alerts

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## installs what is missing (Debian, Ubuntu), or says what to install
	@stack/setup.sh

run: setup ## builds, then starts a broker, a ClickHouse, the edge and the processors; Ctrl-C stops them
	cargo build --release
	@target/release/tracker up

# One resolution of features for all of it: each other one would build half the dependencies again.
test: setup test-web ## unit tests, then the promises on a real broker and a real ClickHouse
	cargo build --workspace --bins --tests
	cargo test --workspace

web: web/node_modules ## builds track.js, which is committed: edges carry it and need no npm
	cd web && npm run --silent build

# The rules of track.js, and whether what is committed is what its source builds; a browser for the promises.
test-web: setup web/node_modules
	@stack/setup.sh browser
	cd web && npm run --silent check && npm test --silent

web/node_modules: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund --no-progress
	@touch $@

# What `make test` tries 60,000 times. CASES multiplies each property's share; proptest reads the variable by itself.
CASES ?= 5000
fuzz: setup ## hostile input to every decoder, more than a million times
	PROPTEST_CASES=$(CASES) cargo test --workspace --lib -- hostile::

# Sets out from fuzz/seeds, and goes on from what it found before. Longer: make fuzz-guided RUNS=10000000
RUNS ?= 200000
fuzz-guided: setup ## the same by a fuzzer that is guided by coverage
	@fuzz/run.sh $(RUNS)

# Beside what `make run` keeps, and on ports of its own. Another seed: make chaos SEED=7
SEED ?= 1
chaos: setup ## a million events while every part is killed, stopped and cut off; ends well when nothing was lost or doubled
	cargo build --release
	@target/release/tracker chaos --events 1000000 --kills 24 --others 12 --seed $(SEED)

# Each figure beside a reference, both sides in turns; bench/README.md says what each line means. Some lines of it:
# make bench ONLY=edge. A longer long backlog: make bench LONG=5000000. Nothing else should run on the machine meanwhile.
ONLY ?=
LONG ?=
BENCH = target/release/tracker-bench --only "$(ONLY)" $(LONG:%=--long %) --commit "$$(git rev-parse --short HEAD)"
bench: bench-programs ## what Tracker costs beside what it could cost: one table, and target/bench.json; 20 minutes
	@$(BENCH)

bench-quick: bench-programs ## the same in five minutes, less exact
	@$(BENCH) --quick

bench-programs: setup
	cargo build --release --workspace --bins
	@bench/bento/build.sh || echo "the lines of Bento will have no reference"

lint: setup lint-size lint-rust lint-docs lint-deny lint-alerts ## format, clippy, docs, file sizes, licences, alert rules

lint-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

lint-docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# No file over 400 lines of code: blank lines, comments and tests are not counted.
lint-size:
	@git ls-files -co --exclude-standard '*.rs' | grep -vE '(^|/)tests(/|\.rs$$)' | xargs awk -f .ci/file-size.awk

# Advisories are left to a CI that reaches their database, which is no package.
lint-deny:
	@deny=$$(stack/setup.sh cargo-deny) && "$$deny" --all-features check licenses bans sources

# Whether Prometheus takes the rules, and whether each fires when it should and not before.
lint-alerts:
	@promtool=$$(stack/setup.sh promtool) || exit 1; [ -z "$$promtool" ] || { \
		"$$promtool" check rules deploy/alerts.yml && "$$promtool" test rules deploy/alerts_test.yml; }
