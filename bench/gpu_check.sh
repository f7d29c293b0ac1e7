#!/usr/bin/env bash
# Everything that only a card can tell (docs/gpu-unverified.md), in one go: builds the CUDA backend, runs the parity suite and whole
# networks on the device, alone and under compute-sanitizer, and times kernels, layers, training steps and frames.
#   bench/gpu_check.sh OUTDIR [STAGE...] [-D VARIABLE=VALUE...]
#       writes OUTDIR/gpu_check.json, summary.md (both anew behind each stage) and a log for each stage. The stages, all by default:
#       build gpu_tests bench_gpu memcheck racecheck torch initcheck synccheck. Without `build`, what was built before is used.
#       -D goes to CMake.
#   bench/gpu_check.sh --dry-run OUTDIR [...]
#       on a machine without a card: builds; every other stage says that there is none
# Needs the CUDA toolkit, cuDNN 9, CMake and Catch2's single header (catch2/catch.hpp; elsewhere: CATCH2_INCLUDE_DIR=FOLDER). The build
# goes to GPU_CHECK_BUILD (build/gpu). Exit code 0: every stage that could run has passed.
set -euo pipefail

# A card is often lent for half an hour: what tells most comes first, and all limits together, with those for what has to be killed, are
# below 1700 s.
stages=(build gpu_tests bench_gpu memcheck racecheck torch initcheck synccheck)
declare -A limits=([build]=${GPU_CHECK_BUILD_LIMIT:-400} [gpu_tests]=350 [bench_gpu]=300 [memcheck]=150 [racecheck]=150 [torch]=120
  [initcheck]=100 [synccheck]=80) # seconds
kill_after=5 # seconds behind the limit
# What the sanitizers, which make everything many times slower, are shown: a small case of every kernel
# (tests/cuda/sanitized_kernels.sh), two steps of training.
sanitized_tests="*bfloat16 activations match*,*by hand*,clip starts at*,*a NaN*,*shows in the loss*,softmax_mean and its gradient*,two small training steps"
own_kernels=afterglow # of every kernel's mangled name

usage() {
  echo "usage: bench/gpu_check.sh [--dry-run] OUTDIR [STAGE...] [-D VARIABLE=VALUE...]; stages: ${stages[*]}" >&2
  exit 2
}
dry=0
if [[ ${1:-} == --dry-run ]]; then
  dry=1
  shift
fi
(($# >= 1)) || usage
[[ $1 != -* ]] || usage
folder=$1
shift
wanted=() definitions=()
while (($#)); do
  case $1 in
  -D) [[ ${2:-} == *=* ]] || usage; definitions+=("-D$2"); shift ;;
  -D*=*) definitions+=("$1") ;;
  *) [[ " ${stages[*]} " == *" $1 "* ]] || usage; wanted+=("$1") ;;
  esac
  shift
done
((${#wanted[@]})) || wanted=("${stages[@]}")
if ((!dry)) && ! nvidia-smi >/dev/null 2>&1; then
  echo "gpu_check.sh: nvidia-smi finds no card; use --dry-run to check the rest" >&2
  exit 2
fi
mkdir -p "$folder"
out=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."
build=${GPU_CHECK_BUILD:-build/gpu}
export PATH=$PATH:/usr/local/cuda/bin
export XDG_CACHE_HOME=$out/cache # plans are chosen anew, and nobody's own are touched

names=() results=() times=()
failed=0
# Nothing of an earlier run, perhaps of another commit, is taken for this one's.
for name in "${stages[@]}"; do rm -f "$out/$name.log" "$out/$name.json"; done

# stage NAME COMMAND...: where it is wanted; its output goes to OUTDIR/NAME.log.
stage() {
  local name=$1 limit=${limits[$1]} begin=$SECONDS status=0 result=passed
  shift
  [[ " ${wanted[*]} " == *" $name "* ]] || return 0
  timeout -k "$kill_after" "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  # What is killed, perhaps for want of memory, ends with 137 too.
  if (((status == 124 || status == 137) && SECONDS - begin >= limit)); then
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
  report # a run that is cut off leaves what it found
}

build() {
  cmake -S . -B "$build" -D CMAKE_BUILD_TYPE=Release -D AFTERGLOW_TOGETHER=ON -D AFTERGLOW_PROGRAM=OFF -D AFTERGLOW_CUDA=ON -D AFTERGLOW_TESTS=ON \
    -D AFTERGLOW_BENCHMARKS=ON "$@" ${CATCH2_INCLUDE_DIR:+-D CATCH2_INCLUDE_DIR="$CATCH2_INCLUDE_DIR"} &&
    cmake --build "$build" --parallel "$(nproc)" || return
  # A test that is called otherwise by now would not be missed.
  local patterns pattern
  IFS=, read -ra patterns <<<"$sanitized_tests"
  for pattern in "${patterns[@]}"; do
    if [[ -z $("$build/gpu_tests" --list-test-names-only "$pattern") ]]; then
      echo "no test is called $pattern: mend sanitized_tests"
      return 1
    fi
  done
}
sanitize() {
  if ! command -v compute-sanitizer >/dev/null; then
    echo "SKIPPED: compute-sanitizer is not in PATH"
    return
  fi
  # Its name has changed. cuDNN's and cuBLAS's kernels are not ours to judge.
  local filter=(--filter "kns=$own_kernels")
  if compute-sanitizer --help | grep -q -e --kernel-regex; then filter=(--kernel-regex "kns=$own_kernels"); fi
  # But what they write is only known to be initialised when they are watched.
  if [[ $1 == initcheck ]]; then filter=(); fi
  # Each buffer an allocation of its own: the tool sees where it ends.
  AFTERGLOW_CUDA_ARENA=off compute-sanitizer --tool "$1" "${filter[@]}" --error-exitcode 9 \
    "$build/gpu_tests" "$sanitized_tests"
}
torch() {
  if ! python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    echo "SKIPPED: PyTorch with CUDA is not installed: not compared"
    return
  fi
  # What is begun may compile for half a minute.
  python3 bench/peers/torch_gpu.py --json "$out/torch.json" --seconds "$torch_seconds"
}
# Our times beside PyTorch's, where both were measured.
ratios() {
  [[ -s $out/bench_gpu.json && -s $out/torch.json ]] || return 0
  python3 - "$out/bench_gpu.json" "$out/torch.json" <<'PYTHON'
import json, sys

ours, torch = (json.load(open(path))["rows"] for path in sys.argv[1:])
print("\n## Beside PyTorch\n\n| work | precision | afterglow, us | PyTorch's fastest, us | which | PyTorch / afterglow |\n|---|---|---|---|---|---|")
for row in ours:
    work = row["name"].removesuffix(", 16 frames")  # with graphs, as it runs by default
    same = [r for r in torch if r["precision"] == row["precision"] and r["name"].startswith(work + ",")]
    if row["section"] in ("step", "frame") and same:
        best = min(same, key=lambda r: r["median_us"])
        print(f"| {work} | {row['precision']} | {row['median_us']:.1f} | {best['median_us']:.1f} "
              f"| {best['name'].split(', ', 1)[1]} | {best['median_us'] / row['median_us']:.2f} |")
PYTHON
}

report() {
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
    ratios
    for log in bench_gpu torch; do
      if [[ -s $out/$log.log ]]; then printf '\n## %s\n\n```\n%s\n```\n' "$log" "$(cat "$out/$log.log")"; fi
    done
  } >"$out/summary.md"
}
export -f build sanitize torch
export build out own_kernels sanitized_tests torch_seconds=$((limits[torch] - 40))

stage build bash -c 'build "$@"' build "${definitions[@]}"
if [[ ${results[0]:-passed} == passed ]]; then
  stage gpu_tests "$build/gpu_tests" "~[cpu]" -d yes
  stage bench_gpu "$build/bench_gpu" --json "$out/bench_gpu.json"
  for name in "${stages[@]:3}"; do
    if [[ $name == torch ]]; then
      stage torch bash -c torch
    elif ((dry)); then
      stage "$name" echo "SKIPPED: there is no CUDA device"
    else
      stage "$name" bash -c "sanitize $name"
    fi
  done
fi

echo "written: $out/gpu_check.json, $out/summary.md"
exit "$failed"
