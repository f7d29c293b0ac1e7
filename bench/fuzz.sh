#!/usr/bin/env bash
# Builds the fuzz targets (tests/fuzz) and runs them, one a core: for each a line with its runs, seconds, edges covered and findings.
# What it covers is kept in build/fuzz/corpus and gone on from. Ends with 1 at a finding, and says which file brings it about.
#   bench/fuzz.sh [--runs N] [TARGET...]   default 1000000 runs of every target
set -euo pipefail
cd "$(dirname "$0")/.."

runs=1000000 seed=1
targets=()
while (($#)); do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    -*) echo "usage: bench/fuzz.sh [--runs N] [TARGET...]" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >build/fuzz/build.log || { cat build/fuzz/build.log >&2; exit 1; }
if ((${#targets[@]} == 0)); then
  for program in build/fuzz/fuzz_*; do targets+=("${program##*/fuzz_}"); done
fi

printf 'seed %s, %s\n%-14s %9s %8s %6s  %s\n' "$seed" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1)" target runs seconds edges findings

# run_target NAME: one line; status 1 at a finding.
run_target() {
  local target=$1 begin=$SECONDS result=0 finding=none
  local corpus=build/fuzz/corpus/$target findings=build/fuzz/findings/$target log=build/fuzz/$target.log
  mkdir -p "$corpus" "$findings"
  # 4 KiB hold every rule of a format. Nothing that is read from so little may take much memory or time.
  local options=(-runs="$runs" -seed="$seed" -max_len=4096 -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=60 -print_final_stats=1 -artifact_prefix="$findings/")
  "build/fuzz/fuzz_$target" "${options[@]}" "$corpus" "tests/fuzz/seeds/$target" >"$log" 2>&1 || result=$?
  if ((result)); then
    finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    finding="${finding:-see $log} ($(grep -m1 -o 'SUMMARY: .*' "$log" || echo "exit code $result"))"
  fi
  printf '%-14s %9s %8s %6s  %s\n' "$target" "$(sed -n 's/stat::number_of_executed_units: *//p' "$log")" $((SECONDS - begin)) \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -c 6-)" "$finding"
  ((result == 0))
}
export -f run_target
export runs seed
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'run_target "$1"' _ {} || exit 1
