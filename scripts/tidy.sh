#!/usr/bin/env bash
# clang-tidy over every source file of the rooms that the build compiles; a finding fails. Needs compile_commands.json of a build.
#   scripts/tidy.sh [--deep] [BUILD_FOLDER]   default build/release; --deep: with the static analyzer, four times as long
set -euo pipefail
cd "$(dirname "$0")/.."
checks=()
if [[ ${1:-} == --deep ]]; then
  checks=(--checks='performance-unnecessary-value-param,clang-analyzer-core*,clang-analyzer-cplusplus*')
  shift
fi
# The warnings are GCC's business: clang's -Wconversion is wider, and -Wno-restrict unknown to it. Its emulated vectors lack what ours are used for.
build=${1:-build/release}
sed -n 's|.*"file": "'"$PWD"'/\(.*\.cpp\)".*|\1|p' "$build/compile_commands.json" | sort -u |
  grep -E '^(base|kernels|nn|weights|data|apps)/' |
  xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" "${checks[@]}" \
    --extra-arg=-Wno-error --extra-arg=-DHWY_COMPILE_ONLY_SCALAR \
    2> >(grep -v 'warnings generated' >&2)
