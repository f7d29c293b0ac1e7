#!/usr/bin/env bash
# The tests that bench/gpu_check.sh shows to compute-sanitizer launch every kernel: asked of the same tests on the software GPU.
#   tests/cuda/sanitized_kernels.sh CUDA_TESTS FOLDER
set -euo pipefail
program=$1 folder=$2
here=$(dirname "$0")
mkdir -p "$folder"

patterns=$(sed -n 's/^sanitized_tests="\(.*\)"$/\1/p' "$here/../../bench/gpu_check.sh")
[[ -n $patterns ]] || { echo "bench/gpu_check.sh has no sanitized_tests"; exit 1; }
SIMT_LAUNCHED=$folder/addresses "$program" "$patterns"

# "ADDRESS NAME" of each instantiation.
nm -C "$program" | sed -nE 's/^0*([0-9a-f]+) [tTwW] .*afterglow::cuda::\(anonymous namespace\)::([a-z0-9_]+_kernel)[<(].*/\1 \2/p' |
  sort >"$folder/kernels"
cut -d' ' -f2 "$folder/kernels" | sort -u >"$folder/names"
sort "$folder/addresses" | join - "$folder/kernels" | cut -d' ' -f2 | sort -u >"$folder/launched"
[[ -s $folder/launched ]] || { echo "no kernel was launched"; exit 1; }
missing=$(comm -23 "$folder/names" "$folder/launched")
if [[ -n $missing ]]; then
  printf 'no test of sanitized_tests (bench/gpu_check.sh) launches these: add one\n%s\n' "$missing"
  exit 1
fi
echo "$(wc -l <"$folder/names") kernels, all launched"
