#!/usr/bin/env bash
# Judges the CUDA kernels by what the compiler makes of them: no kernel may keep registers in memory (spills, stack), each must
# stay within the registers that its planned occupancy leaves, and load and store 16 bytes at once where its row says so.
#   tests/ptx/check_kernels.sh NVCC TABLE [SOURCE.cu...]      default: every file of kernels/cuda
#   tests/ptx/check_kernels.sh NVCC TABLE --list [SOURCE.cu...]   prints a Markdown table of all kernels instead
set -euo pipefail

nvcc=$1 table=$2
shift 2
list=0
if [[ ${1:-} == --list ]]; then
  list=1
  shift
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
sources=("$@")
((${#sources[@]})) || sources=("$root"/kernels/cuda/*.cu)
ptxas=$(dirname "$nvcc")/ptxas
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One line a kernel and architecture: NAME sm REGISTERS BYTES-IN-MEMORY LOADS STORES (of 16 bytes). Each machine code from PTX of its
# own, as the build makes it.
for source in "${sources[@]}"; do
  for cc in 80 90; do
    "$nvcc" -std=c++20 -O3 --expt-relaxed-constexpr -I"$root" "-arch=compute_$cc" -ptx -o "$folder/ptx" "$source"
    awk '/\.entry/ { match($0, /_Z[A-Za-z0-9_]+/); name = substr($0, RSTART, RLENGTH); loads[name] += 0 }
      /ld\.global[a-z.]*\.v4\.[a-z]32/ { loads[name]++ }
      /st\.global[a-z.]*\.v4\.[a-z]32/ { stores[name]++ }
      END { for (name in loads) print name, loads[name] + 0, stores[name] + 0 }' "$folder/ptx" | sort >"$folder/vectors"
    "$ptxas" -O3 -v "-arch=sm_$cc" -o /dev/null "$folder/ptx" 2>&1 |
      awk -v "sm=sm_$cc" '/Function properties for/ { name = $NF }
        /bytes stack frame/ { memory = $1 + $5 + $9 }
        /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); print name, sm, substr($0, RSTART + 5, RLENGTH - 5), memory }' |
      sort | join - "$folder/vectors" >>"$folder/found"
  done
done
cut -d ' ' -f 1 "$folder/found" | c++filt |
  sed -E 's/afterglow::cuda::|\(anonymous namespace\)::|_GLOBAL__N__[A-Za-z0-9_]*:://g; s/^void //; s/\([A-Za-z:]+\)([0-9])/\1/g; s/\(.*//; s/unsigned char/uchar/g; s/ //g' |
  paste -d ' ' - <(cut -d ' ' -f 2- "$folder/found") | sort >"$folder/kernels"

awk -v "list=$list" '
  # The table: PATTERN THREADS BLOCKS VECTORS. 65536 registers an SM, handed out in eights.
  NR == FNR {
    if ($0 ~ /^#/ || NF == 0) next
    rows++; pattern[rows] = "^" $1 "$"; threads[rows] = $2; blocks[rows] = $3; vectors[rows] = $4
    most[rows] = int(65536 / ($2 * $3) / 8) * 8
    if (most[rows] > 255) most[rows] = 255
    next
  }
  {
    row = 0
    for (i = 1; i <= rows && !row; i++) if ($1 ~ pattern[i]) row = i
    what = $1 " for " $2 ": "
    count++
    if (!row) { print what "is not in the table"; failed = 1; next }
    used[row] = 1
    if ($4 > 0) { print what $4 " bytes of registers in memory"; failed = 1 }
    if ($3 > most[row]) {
      print what $3 " registers; " blocks[row] " blocks of " threads[row] " threads leave " most[row]; failed = 1
    }
    if (vectors[row] ~ /l/ && $5 == 0) { print what "no load of 16 bytes"; failed = 1 }
    if (vectors[row] ~ /s/ && $6 == 0) { print what "no store of 16 bytes"; failed = 1 }
    if (list && $2 == "sm_90") {
      if (!head++) print "| kernel | registers | threads | blocks an SM | loads and stores of 16 bytes |\n|---|---|---|---|---|"
      text = $1; gsub(/,/, ", ", text)
      print "| `" text "` | " $3 " | " threads[row] " | " blocks[row] " | " $5 " / " $6 " |"
    }
  }
  END {
    for (i = 1; i <= rows; i++) if (!used[i]) { print "no kernel matches " pattern[i]; failed = 1 }
    if (!list) print count " kernels looked at"
    exit failed || count == 0
  }' "$table" "$folder/kernels"
