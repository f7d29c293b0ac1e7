#!/usr/bin/env bash
# Everything that only a card can tell (docs/gpu-unverified.md), in one go: builds the CUDA backend, runs the parity suite and whole
# networks on the device, alone and under compute-sanitizer, and times kernels, layers, training steps and frames.
#   bench/gpu_check.sh OUTDIR             writes OUTDIR/gpu_check.json, summary.md and a log for each stage
#   bench/gpu_check.sh --dry-run OUTDIR   on a machine without a card: builds; every other stage says that there is none
# Needs the CUDA toolkit, cuDNN 9, CMake and Catch2's single header (catch2/catch.hpp; elsewhere: CATCH2_INCLUDE_DIR=FOLDER). The build
# goes to GPU_CHECK_BUILD (build/gpu). Exit code 0: every stage that could run has passed.
set -euo pipefail

dry=0
if [[ ${1:-} == --dry-run ]]; then
  dry=1
  shift
fi
if (($# != 1)); then
  echo "usage: bench/gpu_check.sh [--dry-run] OUTDIR" >&2
  exit 2
fi
if ((!dry)) && ! nvidia-smi >/dev/null 2>&1; then
  echo "gpu_check.sh: nvidia-smi finds no card; use --dry-run to check the rest" >&2
  exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
build=${GPU_CHECK_BUILD:-build/gpu}
export PATH=$PATH:/usr/local/cuda/bin
export XDG_CACHE_HOME=$out/cache # plans are chosen anew, and nobody's own are touched

names=() results=() times=()
failed=0

# stage NAME LIMIT-IN-SECONDS COMMAND...: its output goes to OUTDIR/NAME.log.
stage() {
  local name=$1 limit=$2 begin=$SECONDS status=0 result=passed
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  if ((status == 124)); then
    result="cut off after $limit s"
  elif ((status != 0)); then
    result="failed (exit code $status)"
  elif grep -q 'SKIPPED:' "$out/$name.log"; then
    result="skipped:$(sed -n 's/.*SKIPPED://p' "$out/$name.log" | head -n 1)"
  fi
  if [[ $result == skipped* ]]; then
    ((dry)) || [[ $name != gpu_tests && $name != bench_gpu ]] || failed=1 # there is a card
  elif [[ $result != passed ]]; then
    failed=1
  fi
  names+=("$name") results+=("$result") times+=($((SECONDS - begin)))
  printf '%-22s %s (%d s)\n' "$name" "$result" $((SECONDS - begin))
}

build() {
  cmake -S . -B "$build" -D CMAKE_BUILD_TYPE=Release -D AFTERGLOW_PROGRAM=OFF -D AFTERGLOW_CUDA=ON -D AFTERGLOW_TESTS=ON \
    -D AFTERGLOW_BENCHMARKS=ON ${CATCH2_INCLUDE_DIR:+-D CATCH2_INCLUDE_DIR="$CATCH2_INCLUDE_DIR"} &&
    cmake --build "$build" --parallel "$(nproc)"
}
# A small case of every kernel: the sanitizers make everything many times slower.
sanitize() {
  if ! command -v compute-sanitizer >/dev/null; then
    echo "SKIPPED: compute-sanitizer is not in PATH"
    return
  fi
  compute-sanitizer --tool "$1" --error-exitcode 9 "$build/gpu_tests" "*bfloat16 activations*,*by hand*,clip starts at*,*a NaN*"
}
torch() {
  if ! python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    echo "SKIPPED: PyTorch with CUDA is not installed: not compared"
    return
  fi
  python3 bench/peers/torch_gpu.py --json "$out/torch.json"
}
export -f build sanitize torch
export build out

stage build 400 bash -c build
if [[ ${results[0]} == passed ]]; then
  stage gpu_tests 400 "$build/gpu_tests" "~[cpu]" -d yes
  stage bench_gpu 300 "$build/bench_gpu" --json "$out/bench_gpu.json"
  for tool in memcheck racecheck synccheck initcheck; do
    if ((dry)); then
      stage "$tool" 10 echo "SKIPPED: there is no CUDA device"
    else
      stage "$tool" 120 bash -c "sanitize $tool"
    fi
  done
  stage torch 240 bash -c torch
fi

{
  printf '{\n  "commit": "%s",\n  "stages": [\n' "$(git rev-parse HEAD 2>/dev/null || echo unknown)"
  for i in "${!names[@]}"; do
    printf '    {"name": "%s", "result": "%s", "seconds": %d}%s\n' "${names[i]}" "${results[i]//\"/}" "${times[i]}" \
      "$( ((i + 1 == ${#names[@]})) || echo ,)"
  done
  printf '  ],\n  "bench": %s,\n' "$(cat "$out/bench_gpu.json" 2>/dev/null || echo null)"
  printf '  "torch": %s\n}\n' "$(cat "$out/torch.json" 2>/dev/null || echo null)"
} >"$out/gpu_check.json"
{
  printf '# afterglow on a card\n\n'
  if [[ -e $out/bench_gpu.json ]]; then
    sed -nE 's/^  "(date|device|driver|runtime|cudnn)": (.*),$/- \1: \2/p' "$out/bench_gpu.json"
  fi
  printf '\n| stage | result | seconds |\n|---|---|---|\n'
  for i in "${!names[@]}"; do printf '| %s | %s | %d |\n' "${names[i]}" "${results[i]}" "${times[i]}"; done
  for log in bench_gpu torch; do
    if [[ -s $out/$log.log ]]; then printf '\n## %s\n\n```\n%s\n```\n' "$log" "$(cat "$out/$log.log")"; fi
  done
} >"$out/summary.md"
echo "written: $out/gpu_check.json, $out/summary.md"
exit "$failed"
