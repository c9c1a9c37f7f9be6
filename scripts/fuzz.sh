#!/usr/bin/env bash
# fuzz.sh BUILD LIMIT...: runs every BUILD/fuzz_NAME from the seeds in tests/fuzz/corpus/NAME, each with these options of
# libFuzzer (-max_total_time=60, or -runs=1000000 -seed=7, say).
# New inputs are kept in BUILD/corpus/NAME, findings in BUILD.
set -euo pipefail

if [[ $# -lt 2 ]]; then
  echo "usage: scripts/fuzz.sh BUILD LIMIT..." >&2
  exit 2
fi
build=$1
shift

shopt -s nullglob
targets=("$build"/fuzz_*)
if [[ ${#targets[@]} -eq 0 ]]; then
  echo "fuzz: no target in $build" >&2
  exit 1
fi

for target in "${targets[@]}"; do
  name=${target##*/fuzz_}
  seeds=tests/fuzz/corpus/$name
  if [[ ! -d $seeds ]]; then
    echo "fuzz: $name has no seeds in $seeds" >&2
    exit 1
  fi
  mkdir -p "$build/corpus/$name"
  echo "fuzz: $name $*"
  "$target" "$@" -timeout=1 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/$name-" "$build/corpus/$name" "$seeds"
done
