#!/bin/sh
# The tests of the CUDA back end under NVIDIA's compute-sanitizer, in shards side by side, without their large cases
# (ARTEMIS_SMALL_TESTS). Says for each tool what it ran and found; fails on a finding, a failed test, a shard that was cut
# off. Racecheck looks at our own kernels alone, not at the product library's. Racecheck and initcheck leave out the tests
# with many products in bf16: at cuBLASLt's kernels for Hopper the tools of CUDA 13 fail themselves (racecheck: "failed to
# handle a hardware exception", in a program of one such product and no kernel of ours) or do not see what is written
# (initcheck: a kernel that copies such a product's result "reads uninitialized memory").
# Usage: scripts/sanitize-gpu.sh BUILD [memcheck|racecheck|initcheck|synccheck ...]   (the first three)
# SHARDS (112), JOBS at once (15), LIMIT seconds of a shard (300), FILTER of tests (GoogleTest's), LOGS (a folder to keep).
set -eu
build=${1:?"usage: scripts/sanitize-gpu.sh BUILD [TOOL ...]"}
shift
tools=${*:-memcheck racecheck initcheck}
shards=${SHARDS:-112}
jobs=${JOBS:-15}
for program in compute-sanitizer "$build/test_cuda"; do
  command -v "$program" >/dev/null || { echo "sanitize-gpu: $program is not there" >&2; exit 1; }
done
if [ -n "${LOGS:-}" ]; then
  logs=$LOGS
  mkdir -p "$logs"
else
  logs=$(mktemp -d)
  trap 'rm -rf "$logs"' EXIT
fi

# Plans that are measured under a sanitizer say nothing; ports: each sanitizer listens on one of its own.
export ARTEMIS_TEST_DEVICE=cuda ARTEMIS_SMALL_TESTS=1 ARTEMIS_PRODUCT_PLANS=heuristic
# A program takes most of what is free on the GPU; those side by side must not.
export ARTEMIS_GPU_MEMORY="${ARTEMIS_GPU_MEMORY:-4}"
export GTEST_TOTAL_SHARDS="$shards" FILTER="${FILTER:-*-ProductPlans.*}"
export with_products='*Products.EveryEpilogue/bf16:*FewRows.Every*/bf16:*CudaModel.LossAndGradientsInBf16/*'
export LIMIT="${LIMIT:-300}" logs build
one_shard='
  tool=$1
  export GTEST_SHARD_INDEX=$2
  log=$logs/$tool.$2
  only=
  [ "$tool" != racecheck ] || only="--kernel-name kernel_substring=artemis"
  export GTEST_FILTER="$FILTER"
  case $tool:$FILTER in
    racecheck:*-* | initcheck:*-*) GTEST_FILTER="$FILTER:$with_products" ;;
    racecheck:* | initcheck:*) GTEST_FILTER="$FILTER-$with_products" ;;
  esac
  code=0
  timeout -k 5 "$LIMIT" compute-sanitizer --tool "$tool" $only --error-exitcode 99 --check-exit-code no \
    --require-cuda-init no --print-limit 5 --port "$((49152 + $2 * 16))" --launch-timeout 60 \
    "$build/test_cuda" >"$log.log" 2>&1 || code=$?
  echo "$code" >"$log.code"
'
for tool in $tools; do
  index=0
  while [ "$index" -lt "$shards" ]; do
    echo "$tool $index"
    index=$((index + 1))
  done
done | xargs -P "$jobs" -L 1 sh -c "$one_shard" shard

# of_code TOOL PATTERN: the shards whose exit code is so, by name.
of_code() {
  grep -lEx "$2" "$logs/$1".*.code | sed 's/\.code$//'
}
status=0
for tool in $tools; do
  tests=$(cat "$logs/$tool".*.log | grep -c '^\[       OK \]' || true)
  found=$(of_code "$tool" 99 || true)
  cut=$(of_code "$tool" '124|137' || true)
  failed=$(grep -LEx '0|99|124|137' "$logs/$tool".*.code | sed 's/\.code$//' || true)
  count() { printf '%s' "$1" | grep -c . || true; }
  echo "$tool: $tests tests passed; of $shards shards $(count "$found") with findings, $(count "$failed") failed," \
    "$(count "$cut") cut off"
  for shard in $found; do grep -m 12 '^=========' "$shard.log" || true; done
  for shard in $failed; do tail -n 15 "$shard.log"; done
  # The test that was under way.
  for shard in $cut; do grep '^\[ RUN ' "$shard.log" | tail -n 1 || true; done
  [ -z "$found$cut$failed" ] || status=1
done
exit "$status"
