#!/usr/bin/env bash
# clang-tidy over every source file of the rooms; a finding fails.
#   scripts/tidy.sh [--deep]     --deep: with the static analyzer, four times as long
set -euo pipefail
cd "$(dirname "$0")/.."
# A room's files are read together, by a file that includes them.
checks=-bugprone-suspicious-include
if [[ ${1:-} == --deep ]]; then checks+=',performance-unnecessary-value-param,clang-analyzer-core*,clang-analyzer-cplusplus*'; fi
cmake --preset tidy >/dev/null
cmake --build build/tidy --target afterglow_messages afterglow_event_messages >/dev/null
# The warnings are GCC's business: clang's -Wconversion is wider, and -Wno-restrict unknown to it. Its emulated vectors lack what ours are used for.
sed -n 's|.*"file": "'"$PWD"'/\(.*\)".*|\1|p' build/tidy/compile_commands.json | sort -u |
  grep -E '^((base|kernels|nn|weights|data|apps)/.*\.cpp|build/tidy/CMakeFiles/.*/Unity/.*)$' |
  xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/tidy --checks="$checks" \
    --extra-arg=-Wno-error --extra-arg=-DHWY_COMPILE_ONLY_SCALAR \
    2> >(grep -v 'warnings generated' >&2)
