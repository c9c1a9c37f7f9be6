#!/bin/sh
# The tests that need a GPU, where there is one; says so where there is none.
# Usage: scripts/test-gpu.sh BUILD
set -eu
build=$1
if ! grep -q '^CMAKE_CUDA_COMPILER:' "$build/CMakeCache.txt"; then
  echo "GPU tests: not run, this build has no CUDA back end (no nvcc was found)"
elif ! nvidia-smi -L >/dev/null 2>&1; then
  echo "GPU tests: not run, this machine has no NVIDIA GPU; the CUDA back end was compiled"
else
  nvidia-smi -L
  for name in cuda model generate; do
    ARTEMIS_TEST_DEVICE=cuda "$build/test_$name"
  done
  ARTEMIS_TEST_DEVICE=cuda "$build/test_kernels" --gtest_filter='*BatchInvariance*'
  ARTEMIS_TEST_DEVICE=cuda "$build/test_train" --gtest_filter='*Golden*'
fi
