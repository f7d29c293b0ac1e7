#!/usr/bin/env bash
# clang-tidy over every source file of the rooms; a finding fails. Needs compile_commands.json of a build.
#   scripts/tidy.sh [BUILD_FOLDER]   default build/release
set -euo pipefail
cd "$(dirname "$0")/.."
# clang does not know GCC's -Wno-restrict, and its emulated vectors lack what ours are used for.
find base kernels nn weights data apps -name '*.cpp' -print0 |
  xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p "${1:-build/release}" \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-DHWY_COMPILE_ONLY_SCALAR \
    2> >(grep -v 'warnings generated' >&2)
