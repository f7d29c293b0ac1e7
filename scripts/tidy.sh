#!/usr/bin/env bash
# clang-tidy over every source file that git tracks; the first finding fails. Needs build/release/compile_commands.json.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files 'base/*.cpp' 'kernels/*.cpp' 'nn/*.cpp' 'data/*.cpp' 'weights/*.cpp' 'apps/*.cpp' |
  xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/release 2> >(grep -v 'warnings generated' >&2)
