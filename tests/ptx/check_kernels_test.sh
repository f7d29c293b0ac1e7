#!/usr/bin/env bash
# check_kernels.sh must find what it is there to find.
#   tests/ptx/check_kernels_test.sh NVCC
set -euo pipefail
nvcc=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/kernels.cu" <<'CU'
__global__ void good_kernel(const uint4* x, uint4* y) { y[threadIdx.x] = x[threadIdx.x]; }
__global__ void scalar_kernel(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
// Of so many values in 32 registers most lie in memory.
__global__ void __launch_bounds__(1024, 2) spilling_kernel(const float* x, float* y) {
  float values[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) values[i] = x[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 64; ++i) y[i * 1024 + threadIdx.x] = values[i] * values[63 - i] + values[0];
}
CU

# expect LINE-OF-THE-OUTPUT TABLE-ROW...
expect() {
  local wanted=$1
  shift
  printf '%s\n' "$@" >"$folder/table"
  local said status=0
  said=$("$here/check_kernels.sh" "$nvcc" "$folder/table" "$folder/kernels.cu") || status=$?
  if [[ $said != *"$wanted"* ]] || { [[ $wanted == *"looked at"* ]] && ((status != 0)); } ||
    { [[ $wanted != *"looked at"* ]] && ((status == 0)); }; then
    printf 'expected "%s", got (exit %d):\n%s\n' "$wanted" "$status" "$said" >&2
    exit 1
  fi
}

good='good_kernel 256 8 ls' scalar='scalar_kernel 256 8 -' spilling='spilling_kernel 1024 2 -'
sed '/spilling_kernel/,/^}/d' "$folder/kernels.cu" >"$folder/without.cu"
expect "bytes of registers in memory" "$good" "$scalar" "$spilling"
mv "$folder/without.cu" "$folder/kernels.cu"
expect "4 kernels looked at" "$good" "$scalar"
expect "scalar_kernel for sm_90: is not in the table" "$good"
expect "no kernel matches" "$good" "$scalar" "$spilling"
expect "scalar_kernel for sm_80: no load of 16 bytes" "$good" 'scalar_kernel 256 8 l'
expect "scalar_kernel for sm_80: no store of 16 bytes" "$good" 'scalar_kernel 256 8 s'
expect "registers; 64 blocks of 1024 threads leave 0" 'good_kernel 1024 64 ls' "$scalar"
