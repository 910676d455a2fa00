#!/usr/bin/env bash
# run.sh RUNS: so many inputs to each target, guided by coverage.
# What is found stays in `artifacts`; mended, it belongs among the seeds, which `make test` tries too.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzz=$(stack/setup.sh cargo-fuzz)
# The versions that are tested, and libFuzzer beside them.
cp Cargo.lock fuzz/Cargo.lock
for target in fuzz/targets/*.rs; do
    target=$(basename "$target" .rs)
    echo "fuzz: $target, $1 inputs"
    corpus=fuzz/target/corpus/$target
    mkdir -p "$corpus"
    # Safe Rust has nothing for a sanitizer to find; without one the compiler need not be a nightly one.
    "$fuzz" run --fuzz-dir fuzz --sanitizer none --codegen-units 16 "$target" "$corpus" "fuzz/seeds/$target" -- \
        -runs="$1" -timeout=10 -verbosity=0 -print_final_stats=1
done
